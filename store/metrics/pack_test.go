package metrics

import (
	"reflect"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"gatehouse/store/exposition"
)

const oddBody = "# TYPE h histogram\nh 7\nh_bucket{le=\"1\"} 5\nh_bucket{le=\"+Inf\"} 3\nh_sum 1\nh_count 3\n# TYPE c_total counter\nc_total -1\n# TYPE g gauge\ng 1\n"

func TestFamiliesAreUnpackedAsTheyWerePacked(t *testing.T) {
	families, err := exposition.DecodeText([]byte(oddBody), exposition.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := newBody(families)
	got, err := unpack(pack(b), nil)
	if err != nil || !reflect.DeepEqual(got.families(), b.families()) || len(got.notices) == 0 {
		t.Errorf("got %+v, %v, want %+v", got.families(), err, b.families())
	}
}

// Records of earlier versions don't say what is odd about their families.
func TestFamiliesOfEarlierRecordsAreJudged(t *testing.T) {
	families, err := exposition.DecodeText([]byte(oddBody), exposition.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		record := appendString(nil, familyName, f.Name)
		record = appendVarint(record, familyType, uint64(f.Type))
		record = appendString(record, familyText, f.Text)
		record = appendVarint(record, familySeries, uint64(f.Series))
		got, err := decodeFamily(record, nil)
		if err != nil || got.Loose != f.Loose || got.UntypedIn != f.UntypedIn || string(got.Text) != string(f.Text) {
			t.Errorf("got %+v, %v, want %+v", got, err, f)
		}
	}
	record := appendVarint(appendString(nil, familyName, "m"), familyLoose, 3)
	if _, err := decodeFamily(record, nil); err == nil {
		t.Error("more loose lines than there are were accepted")
	}
	if _, err := decodeFamily(protowire.AppendTag(record, familyNotice, protowire.BytesType), nil); err == nil {
		t.Error("a notice that was cut off was accepted")
	}
}

func TestAGroupingHasAtMostTwentyNotices(t *testing.T) {
	families := make([]exposition.Family, 15)
	for i := range families {
		families[i] = exposition.Family{Name: string(rune('a' + i)), Notices: []exposition.Notice{{Kind: exposition.NoticeNoTotal, Count: 1}, {Kind: exposition.NoticeTwice, Count: 2}}}
	}
	if b := newBody(families); len(b.notices) != maxNotices || b.notices[19].hold != 9 {
		t.Errorf("got %v", b.notices)
	}
}
