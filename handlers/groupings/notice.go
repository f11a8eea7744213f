package groupings

import (
	"fmt"

	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
	views "gatehouse/views/groupings"
)

// noticeJSON is something odd about a family that a grouping holds.
type noticeJSON struct {
	Kind   string `json:"kind"`
	Family string `json:"family"`
	Count  int    `json:"count"`
}

func noticesJSON(g *store.Grouping) []noticeJSON {
	out := []noticeJSON{}
	for _, n := range g.Notices() {
		out = append(out, noticeJSON{n.Kind.String(), n.Family, n.Count})
	}
	return out
}

// notices returns a page's notices on the oddities of a grouping.
func notices(g *store.Grouping) []views.Notice {
	var out []views.Notice
	for _, n := range g.Notices() {
		out = append(out, views.Notice{Family: web.Shorten(n.Family, maxShownName), Text: noticeText(n.Notice), Anchor: "#" + n.Kind.String()})
	}
	return out
}

// noticeWords are the words for a kind of notice: what there is one of, what there are
// several of, and what is the matter with it; without the first two, nothing is
// counted.
var noticeWords = map[exposition.NoticeKind][3]string{
	exposition.NoticeInfBucket:      {"histogram has", "histograms have", "a +Inf bucket that differs from the count"},
	exposition.NoticeFallingBuckets: {"histogram has", "histograms have", "a bucket smaller than the one below it"},
	exposition.NoticeQuantile:       {"quantile", "quantiles", "in a histogram"},
	exposition.NoticeBareSample:     {"sample has", "samples have", "the name of the family, without a suffix"},
	exposition.NoticeNoBound:        {"bucket has", "buckets have", "no le label"},
	exposition.NoticeBadBound:       {"bound is", "bounds are", "not a number, or belongs to a sum or a count"},
	exposition.NoticeBadCount:       {"count is", "counts are", "negative, NaN or infinite"},
	exposition.NoticeIncomplete:     {"histogram or summary lacks", "histograms or summaries lack", "a +Inf bucket, a sum or a count"},
	exposition.NoticeTwice:          {"bucket or quantile was", "buckets or quantiles were", "written twice"},
	exposition.NoticeOverlap:        {"", "", "stored without its type: the push has another family with one of its sample names"},
	exposition.NoticeMetadata:       {"TYPE or HELP line was", "TYPE or HELP lines were", "ignored"},
	exposition.NoticeExemplar:       {"exemplar was", "exemplars were", "dropped"},
	exposition.NoticeNoTotal:        {"", "", "a counter whose name does not end in _total"},
	exposition.NoticeMixedUnits:     {"", "", "in a different unit than a related family"},
	exposition.NoticeCardinality:    {"label has", "labels have", "more than 1,000 values"},
	exposition.NoticeCreated:        {"", "", "the time when another family was created; Prometheus stores it as a separate series"},
}

func noticeText(n exposition.Notice) string {
	words, known := noticeWords[n.Kind]
	switch {
	case !known:
		return n.Kind.String() // of a later version
	case words[0] == "":
		return words[2]
	case n.Count == 1:
		return "1 " + words[0] + " " + words[2]
	}
	return fmt.Sprintf("%d %s %s", n.Count, words[1], words[2])
}
