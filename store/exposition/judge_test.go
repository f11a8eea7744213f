package exposition

import (
	"reflect"
	"slices"
	"testing"
)

func TestFamiliesThatWereKeptEarlierAreJudgedAsPushedOnes(t *testing.T) {
	o := Options{Grouping: []Label{{"job", "j"}}, UTF8Names: true}
	var all []Family
	for _, body := range oddBodies {
		families, err := DecodeText([]byte(body), o)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, families...)
	}
	for _, message := range oddMessages {
		families, err := DecodeProtobuf(protobufBody(t, family(t, message)), o)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, families...)
	}
	for _, want := range all {
		if slices.ContainsFunc(want.Notices, func(n Notice) bool {
			return n.Kind == NoticeTwice || n.Kind == NoticeOverlap || n.Kind == NoticeCreated
		}) {
			continue // can't be seen any more
		}
		if want.Proto != nil && len(want.Notices) > 0 {
			continue // a part of it was left out
		}
		kept := want
		kept.Loose, kept.UntypedIn, kept.Notices, kept.Of, want.Of = 0, 0, nil, "", ""
		if got := Judge(kept); !reflect.DeepEqual(got, want) {
			t.Errorf("got %s %q\nwant %s %q", judgedText([]Family{got}), got.Proto, judgedText([]Family{want}), want.Proto)
		}
	}
	broken := Family{Name: "h", Type: Histogram, Chunk: Chunk{Text: []byte("nonsense\n"), Series: 1}}
	if got := Judge(broken); !reflect.DeepEqual(got, broken) {
		t.Errorf("got %+v", got)
	}
}
