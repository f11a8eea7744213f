package groupings

import (
	"testing"

	"gatehouse/store/exposition"
	"gatehouse/views/docs"
)

func TestEveryKindOfNoticeIsExplained(t *testing.T) {
	page, ok := docs.Find("notices")
	if !ok {
		t.Fatal("there is no page")
	}
	for _, kind := range exposition.NoticeKinds() {
		found := false
		for _, heading := range page.Contents {
			found = found || heading.ID == kind.String()
		}
		if text := noticeText(exposition.Notice{Kind: kind, Count: 2}); !found || text == kind.String() {
			t.Errorf("%s: has a heading: %v, says %q", kind, found, text)
		}
	}
}
