package exposition

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// longKey returns the labels of a grouping of n KiB.
func longKey(n int) []Label {
	labels := []Label{{Name: "job", Value: "j"}}
	for i := range n {
		labels = append(labels, Label{Name: fmt.Sprintf("l%02d", i), Value: strings.Repeat("x", 1<<10)})
	}
	return labels
}

// repeated are bodies of n samples each, in all forms.
func repeated(n int) map[string]string {
	lines, histogram := &strings.Builder{}, &strings.Builder{}
	histogram.WriteString("# TYPE h histogram\n")
	for i := range n {
		fmt.Fprintf(lines, "m{i=\"%d\"} 1\n", i)
		fmt.Fprintf(histogram, "h_bucket{le=\"%d\"} 1\n", i)
	}
	histogram.WriteString("h_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n")
	return map[string]string{"lines": lines.String(), "a histogram": histogram.String()}
}

func TestMemoryIsTakenBeforeItIsUsed(t *testing.T) {
	for name, body := range repeated(1000) {
		var taken int64
		o := Options{Grouping: longKey(20), UTF8Names: true, Take: func(n int64) error { taken += n; return nil }}
		families, err := Decode("", []byte(body), o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		held := int64(len(families[0].Text))
		if held < 19<<20 || taken < held-held/100 || taken > held+held/4 {
			t.Errorf("%s: %d bytes were taken for %d", name, taken, held)
		}

		full := errors.New("full")
		taken = 0
		o.Take = func(n int64) error {
			if taken += n; taken > 4<<20 {
				return full
			}
			return nil
		}
		if _, err := Decode("", []byte(body), o); !errors.Is(err, full) {
			t.Errorf("%s: with room for 4 MiB: %v", name, err)
		}
	}
	small := Options{Grouping: longKey(1), Take: func(int64) error { return errors.New("a small push needs no room") }}
	if _, err := Decode("", []byte("m 1\nn 1\n"), small); err != nil {
		t.Error(err)
	}
}

func TestNoFormOfAPushOutgrowsTheLimitOfItsText(t *testing.T) {
	for name, body := range repeated(4000) { // 28 KiB each
		var e *Error
		if _, err := Decode("", []byte(body), Options{Grouping: longKey(28)}); !errors.As(err, &e) || e.Reason != ReasonLimit {
			t.Errorf("%s: %v", name, err)
		}
	}
}
