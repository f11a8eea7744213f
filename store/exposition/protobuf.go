package exposition

import (
	"errors"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// maxDecodeMessages bounds the messages nested in one push, since each of two
// bytes becomes an object of a hundred.
const maxDecodeMessages = 1 << 20

// DecodeProtobuf decodes delimited messages of io.prometheus.client.MetricFamily.
// Messages of one name are one family. The families it returns are sorted by name
// and don't alias body; errors are *Error.
func DecodeProtobuf(body []byte, o Options) ([]Family, error) {
	if err := checkSize(body); err != nil {
		return nil, err
	}
	families, err := splitDelimited(body)
	if err != nil {
		return nil, err
	}
	a := newAssembly(o, len(body))
	defer a.release()
	return a.addAll(families)
}

// CheckProtobuf returns an error if message is no
// io.prometheus.client.MetricFamily; the check needs little memory. A message
// that holds more messages than a push may passes.
func CheckProtobuf(message []byte) error {
	budget := messageBudget{maxDecodeMessages}
	err := budget.spend(message, familyMessage)
	if refusal, ok := errors.AsType[*Error](err); ok && refusal.Reason == ReasonLimit {
		return nil
	}
	if err != nil {
		return err
	}
	return proto.Unmarshal(message, new(dto.MetricFamily))
}

// addAll adds families and finishes.
func (a *assembly) addAll(families []*dto.MetricFamily) ([]Family, error) {
	for _, mf := range families {
		if err := a.addDTO(mf); err != nil {
			return nil, err
		}
	}
	return a.finish()
}

// splitDelimited decodes the messages of a body. It believes no length before
// it has seen that many bytes.
func splitDelimited(body []byte) ([]*dto.MetricFamily, error) {
	var families []*dto.MetricFamily
	byName := map[string]int{}
	budget := messageBudget{maxDecodeMessages}
	for number := 1; len(body) > 0; number++ {
		message, size := protowire.ConsumeBytes(body)
		if size < 0 {
			return nil, refuse(ReasonSyntax, 0, "message %d: the length prefix is broken or exceeds the body", number)
		}
		if body = body[size:]; len(message) == 0 {
			continue
		}
		if err := budget.spend(message, familyMessage); err != nil {
			return nil, err
		}
		mf := new(dto.MetricFamily)
		if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(message, mf); err != nil {
			return nil, refuse(ReasonSyntax, 0, "message %d is no io.prometheus.client.MetricFamily", number)
		}
		at, known := byName[mf.GetName()]
		if !known {
			byName[mf.GetName()] = len(families)
			families = append(families, mf)
			continue
		}
		if families[at].GetType() != mf.GetType() {
			return nil, refuse(ReasonType, 0, "metric %s comes twice, as %s and as %s", quoted(mf.GetName()), families[at].GetType(), mf.GetType())
		}
		families[at].Metric = append(families[at].Metric, mf.Metric...)
	}
	return families, nil
}

// messageKind is one of the messages nested in a MetricFamily, with the fields
// that hold further ones.
type messageKind struct {
	fields map[protowire.Number]*messageKind
}

var (
	flatMessage     = &messageKind{}
	exemplarMessage = &messageKind{fields: map[protowire.Number]*messageKind{1: flatMessage, 3: flatMessage}}
	bucketMessage   = &messageKind{fields: map[protowire.Number]*messageKind{3: exemplarMessage}}
	valueMessage    = &messageKind{fields: map[protowire.Number]*messageKind{2: exemplarMessage, 3: flatMessage, 4: flatMessage}}
	histogramFields = map[protowire.Number]*messageKind{3: bucketMessage, 9: flatMessage, 12: flatMessage, 15: flatMessage, 16: exemplarMessage}
	metricMessage   = &messageKind{fields: map[protowire.Number]*messageKind{
		1: flatMessage, 2: valueMessage, 3: valueMessage, 4: valueMessage, 5: valueMessage, 7: {fields: histogramFields},
	}}
	familyMessage = &messageKind{fields: map[protowire.Number]*messageKind{4: metricMessage}}
)

// messageBudget is the rest of the limits of a push.
type messageBudget struct{ messages int }

// spend counts the messages in b before anything is allocated for them.
func (m *messageBudget) spend(b []byte, kind *messageKind) error {
	if m.messages--; m.messages < 0 {
		return refuse(ReasonLimit, 0, "more than %d messages in one push", maxDecodeMessages)
	}
	for len(kind.fields) > 0 && len(b) > 0 {
		field, wire, size := protowire.ConsumeTag(b)
		if size < 0 {
			return refuse(ReasonSyntax, 0, "broken protobuf message")
		}
		b = b[size:]
		if size = protowire.ConsumeFieldValue(field, wire, b); size < 0 {
			return refuse(ReasonSyntax, 0, "broken protobuf message")
		}
		if nested := kind.fields[field]; nested != nil && wire == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(b)
			if err := m.spend(value, nested); err != nil {
				return err
			}
		}
		b = b[size:]
	}
	return nil
}
