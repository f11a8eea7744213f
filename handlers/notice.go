package handlers

import (
	"fmt"

	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/views"
)

// noticeJSON is something odd about a family that a grouping holds.
type noticeJSON struct {
	Kind   string `json:"kind"`
	Family string `json:"family"`
	Count  int    `json:"count"`
}

func noticesJSON(g *store.Group) []noticeJSON {
	out := []noticeJSON{}
	for _, n := range g.Notices() {
		out = append(out, noticeJSON{n.Kind.String(), n.Family, n.Count})
	}
	return out
}

// notices are what a page says about the oddities of a grouping.
func notices(g *store.Group) []views.Notice {
	var out []views.Notice
	for _, n := range g.Notices() {
		out = append(out, views.Notice{Family: shorten(n.Family, maxShownName), Text: noticeText(n.Notice), Anchor: "#" + n.Kind.String()})
	}
	return out
}

func noticeText(n exposition.Notice) string {
	count := func(one, many string) string {
		if n.Count == 1 {
			return "1 " + one
		}
		return fmt.Sprintf("%d %s", n.Count, many)
	}
	switch n.Kind {
	case exposition.NoticeInfBucket:
		return count("histogram has", "histograms have") + " a +Inf bucket that is not the count"
	case exposition.NoticeFallingBuckets:
		return count("histogram has", "histograms have") + " a bucket that holds less than the one below it"
	case exposition.NoticeQuantile:
		return count("quantile", "quantiles") + " in a histogram"
	case exposition.NoticeBareSample:
		return count("sample has", "samples have") + " just the name of the family"
	case exposition.NoticeNoBound:
		return count("bucket has", "buckets have") + " no le label"
	case exposition.NoticeBadBound:
		return count("bound is", "bounds are") + " not a number, or not where a bound belongs"
	case exposition.NoticeBadCount:
		return count("count is", "counts are") + " negative, NaN or infinite"
	case exposition.NoticeIncomplete:
		return count("histogram or summary lacks", "histograms or summaries lack") + " its +Inf bucket, sum or count"
	case exposition.NoticeTwice:
		return count("bucket or quantile was", "buckets or quantiles were") + " written twice"
	case exposition.NoticeOverlap:
		return "without its type: the push has another family of one of its sample names"
	case exposition.NoticeMetadata:
		return count("TYPE or HELP line was", "TYPE or HELP lines were") + " ignored"
	case exposition.NoticeExemplar:
		return count("exemplar was", "exemplars were") + " dropped"
	case exposition.NoticeNoTotal:
		return "a counter whose name does not end in _total"
	case exposition.NoticeMixedUnits:
		return "measured in another unit than a family beside it"
	case exposition.NoticeCardinality:
		return count("label has", "labels have") + " more than 1,000 values"
	case exposition.NoticeCreated:
		return "when another family was created; Prometheus stores it as a series of its own"
	}
	return n.Kind.String()
}
