package exposition

import (
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
)

// Judge returns a family as a push of it would bring it today: with its loose
// lines behind the regular ones and with what is odd about it. It is for families
// that were kept before that was looked at. What can't be read is returned as it
// is.
func Judge(f Family) Family {
	judged, err := judge(f)
	if err != nil || judged.Name != f.Name || judged.Type != f.Type || judged.Series != f.Series {
		return f
	}
	judged.Help, judged.Unit, judged.UTF8 = f.Help, f.Unit, f.UTF8
	return judged
}

func judge(f Family) (Family, error) {
	o := Options{UTF8Names: true}
	if f.Proto != nil {
		mf := dto.MetricFamily{}
		if err := proto.Unmarshal(f.Proto, &mf); err != nil {
			return Family{}, err
		}
		mf.Name, mf.Type = proto.String(f.Name), typeOfDTO(f.Type).Enum()
		return FromDTO(&mf, o)
	}
	body := encodeAppendMetadata(nil, "# TYPE ", escapeMetadataName(f.Name), f.Type.String())
	families, err := DecodeText(append(body, f.Text...), o)
	if err != nil || len(families) != 1 {
		return Family{}, err
	}
	return families[0], nil
}

func typeOfDTO(t Type) dto.MetricType {
	return dto.MetricType(encodeProtobufTypes[t])
}
