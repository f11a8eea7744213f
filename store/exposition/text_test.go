package exposition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// decodedText renders families so that tests can compare them: a line with
// name, type and HELP where it says more than untyped, then the samples.
func decodedText(families []Family) string {
	var b strings.Builder
	for _, f := range families {
		if f.Type != Untyped || f.Help != "" || f.Unit != "" {
			fmt.Fprintf(&b, "# %s %s %q%s\n", f.Name, f.Type, f.Help, f.Unit)
		}
		b.Write(f.Text)
	}
	return b.String()
}

// judgedText renders families with what was found odd about them: a line -- before
// the loose lines, a line ! of the notices and of the formats that can't have the
// type.
func judgedText(families []Family) string {
	var b strings.Builder
	for _, f := range families {
		if f.Type != Untyped || f.Help != "" || f.Unit != "" {
			fmt.Fprintf(&b, "# %s %s %q%s\n", f.Name, f.Type, f.Help, f.Unit)
		}
		b.Write(f.regular())
		if f.Loose > 0 {
			b.WriteString("--\n")
			b.Write(f.loose())
		}
		var odd []string
		for _, n := range f.Notices {
			if odd = append(odd, n.Kind.String()); n.Count > 1 {
				odd[len(odd)-1] += fmt.Sprintf("*%d", n.Count)
			}
		}
		if f.UntypedIn&InText != 0 {
			odd = append(odd, "TEXT")
		}
		if f.UntypedIn&InStrict != 0 {
			odd = append(odd, "STRICT")
		}
		if len(odd) > 0 {
			fmt.Fprintln(&b, "!", strings.Join(odd, " "))
		}
	}
	return b.String()
}

// wantRefusal checks an error against "reason" or "reason:line".
func wantRefusal(t *testing.T, err error, want string) {
	t.Helper()
	var refusal *Error
	if !errors.As(err, &refusal) {
		t.Fatalf("got error %v, want an *Error for %s", err, want)
	}
	got := string(refusal.Reason)
	if strings.Contains(want, ":") {
		got = fmt.Sprintf("%s:%d", refusal.Reason, refusal.Line)
	}
	if got != want {
		t.Errorf("refused as %s, want %s: %v", got, want, err)
	}
	if s := err.Error(); strings.ContainsAny(s, "\n\r") || len(s) > 500 {
		t.Errorf("not one readable line: %q", s)
	}
}

// checkFamilies checks what every decoder promises.
func checkFamilies(t *testing.T, families []Family, o Options) {
	t.Helper()
	if !slices.IsSortedFunc(families, func(x, y Family) int { return strings.Compare(x.Name, y.Name) }) {
		t.Errorf("families are not sorted by name")
	}
	total := 0
	for _, f := range families {
		if n := strings.Count(string(f.Text), "\n"); n != f.Series || n == 0 {
			t.Errorf("family %s: Series = %d, but %d lines", f.Name, f.Series, n)
		}
		if total += f.Series; cap(f.Text) != len(f.Text) {
			t.Errorf("family %s: appending to its text would overwrite another's", f.Name)
		}
		n := 0
		for l := range Lines(f.Text) {
			n++
			if !strings.HasPrefix(Unescape(l.Name), f.Name) {
				t.Errorf("family %s has a line of %s", f.Name, l.Name)
			}
			if !slices.IsSortedFunc(l.Labels, func(x, y LineLabel) int { return strings.Compare(Unescape(x.Name), Unescape(y.Name)) }) {
				t.Errorf("labels are not sorted: %s", l.Series)
			}
		}
		if n != f.Series {
			t.Errorf("family %s: only %d of %d lines are canonical:\n%s", f.Name, n, f.Series, f.Text)
		}
	}
	if o.MaxSeries > 0 && total > o.MaxSeries {
		t.Errorf("%d series, limit %d", total, o.MaxSeries)
	}
}

func TestTextFollowsTheFormat(t *testing.T) {
	for _, c := range []struct{ sentence, body, want, refusal string }{
		{"an empty body has no families", "", "", ""},
		{"an empty line is nothing", "\n", "", ""},
		{"blank lines are skipped", "\n \t\n\nm 1\n\n", "m 1\n", ""},
		{"a comment is nothing", "# hello\n#m 1\n#\n# \nm 1", "m 1\n", ""},
		{"metadata without samples is nothing", "# TYPE m counter\n# HELP m text\n", "", ""},
		{"metadata of a name only is nothing", "# TYPE m\n# HELP m\n# TYPE\n# HELP \n", "", ""},
		{"# EOF is a comment", "m 1\n# EOF", "m 1\n", ""},
		{"the last newline may be missing", "m 1", "m 1\n", ""},
		{"the last newline of a comment may be missing", "m 1\n# TYPE q counter", "m 1\n", ""},
		{"lines may end with CRLF", "# TYPE m counter\r\n# HELP m text\r\nm{a=\"1\"} 1\r\n\r\n", "# m counter \"text\"\nm{a=\"1\"} 1\n", ""},
		{"blanks may follow the value", "m 1 \nq 2\t \n", "m 1\nq 2\n", ""},
		{"blanks and CRLF may follow the value", "m 1 \r\n", "m 1\n", ""},
		{"blanks may lead a line", " \tm 1\n\t# TYPE q counter\n q 1", "m 1\n# q counter \"\"\nq 1\n", ""},
		{"tabs separate as well", "m\t{a=\"1\"}\t1\n#\tTYPE\tq\tgauge\nq 1", "m{a=\"1\"} 1\n# q gauge \"\"\nq 1\n", ""},
		{"blanks may stand anywhere between tokens", "m { a = \"1\" , b = \"2\" , } 3", "m{a=\"1\",b=\"2\"} 3\n", ""},
		{"no blank is needed before the value", "m{a=\"1\"}1\nq+5", "m{a=\"1\"} 1\nq 5\n", ""},
		{"#TYPE is a comment, as Prometheus has it", "#TYPE m gauge\n#HELP m x\nm 1", "m 1\n", ""},
		{"empty braces are no labels", "m{} 1\nq{ } 2", "m 1\nq 2\n", ""},
		{"a trailing comma is fine", "m{a=\"1\",} 1", "m{a=\"1\"} 1\n", ""},
		{"two commas are not", "m{a=\"1\",,} 1", "", "name:1"},
		{"a lone comma is not", "m{,} 1", "", "name:1"},
		{"labels need a blank between them", "m{a=\"1\" b=\"2\"\t\"c\"=\"3\"} 1", "m{a=\"1\",b=\"2\",c=\"3\"} 1\n", ""},
		{"or a comma", "m{a=\"1\"b=\"2\"} 1", "", "syntax:1"},
		{"labels are sorted by name", "m{b=\"1\",a=\"2\",B=\"3\"} 1", "m{B=\"3\",a=\"2\",b=\"1\"} 1\n", ""},
		{"escapes of label values stay", `m{a="x\\y\"z\n"} 1`, `m{a="x\\y\"z\n"} 1` + "\n", ""},
		{"other escapes stand for themselves", `m{a="C:\temp",b="\\d\d"} 1`, `m{a="C:\\temp",b="\\d\\d"} 1` + "\n", ""},
		{"a NUL or tab in a value is fine", "m{a=\"\x00\t\"} 1", "m{a=\"\x00\t\"} 1\n", ""},
		{"a newline in a value is not", "m{a=\"1\n2\"} 1", "", "syntax:1"},
		{"single quotes are no quotes", "m{a='1'} 1", "", "syntax:1"},
		{"values need quotes", "m{a=1} 1", "", "syntax:1"},
		{"a value must end", `m{a="1} 1`, "", "syntax:1"},
		{"a value does not end at an escaped quote", `m{a="1\"} 1`, "", "syntax:1"},
		{"braces must end", `m{a="1"`, "", "syntax:1"},
		{"braces must end after a comma", `m{a="1", `, "", "syntax:1"},
		{"a label needs a value", "m{a} 1", "", "syntax:1"},
		{"a label name is there once", `m{a="1",b="1",a="2"} 1`, "", "duplicate:1"},
		{"a label name is there once, whatever its value", `m{a="1",a="1"} 1`, "", "duplicate:1"},
		{"__name__ is reserved", `m{__name__="x"} 1`, "", "name:1"},
		{"every label name with two underscores is reserved", `m{__foo="x"} 1`, "", "name:1"},
		{"one underscore is a label name", `m{_="x"} 1`, "m{_=\"x\"} 1\n", ""},
		{"metric names may begin with underscores", `__m 1`, "__m 1\n", ""},
		{"a colon belongs to metric names", `a:b:c 1`, "a:b:c 1\n", ""},
		{"a colon does not belong to label names", `m{a:b="1"} 1`, "", "name:1"},
		{"a label name does not begin with a digit", `m{0a="1"} 1`, "", "name:1"},
		{"a metric name does not begin with a digit", `0m 1`, "", "name:1"},
		{"a metric name has no hyphen", "m 1\na-b 1", "", "name:2"},
		{"a metric name is ASCII", "é 1", "", "name:1"},
		{"a metric name must be there", `{a="1"} 1`, "", "name:1"},
		{"braces are not a name", `{} 1`, "", "name:1"},
		{"a value must be there", "m", "", "syntax:1"},
		{"a value must be there behind braces", "m{}", "", "syntax:1"},
		{"curl -d strips newlines, which shows", "# TYPE m counterm 1", "", "syntax:1"},
		{"JSON is no text format", `{"a": 1}`, "", "syntax:1"},
		{"a form is no text format", `m=1&q=2`, "", "name:1"},

		{"a timestamp is refused", "q 1\nm 1 1700000000000", "", "timestamp:2"},
		{"so is the timestamp zero", "m 1 0", "", "timestamp:1"},
		{"so is a negative one", "m 1 -5 ", "", "timestamp:1"},
		{"a float is no timestamp", "m 1 1.5", "", "syntax:1"},
		{"nothing follows a timestamp", "m 1 1 1", "", "syntax:1"},
		{"an exemplar is refused", `m 1 # {a="1"} 1`, "", "syntax:1"},

		{"types are case-insensitive", "# TYPE m CoUnter\nm 1", "# m counter \"\"\nm 1\n", ""},
		{"a missing type is untyped", "# TYPE m\nm 1", "m 1\n", ""},
		{"a missing type leaves room for one", "# TYPE m \n# TYPE m gauge\nm 1", "# m gauge \"\"\nm 1\n", ""},
		{"blanks may follow a type", "# TYPE m gauge \t\nm 1", "# m gauge \"\"\nm 1\n", ""},
		{"untyped is a type", "# TYPE m untyped\nm 1", "m 1\n", ""},
		{"unknown is none", "# TYPE m unknown\nm 1", "", "syntax:1"},
		{"info is none", "# TYPE m info\nm 1", "", "syntax:1"},
		{"stateset is none", "# TYPE m stateset\nm 1", "", "syntax:1"},
		{"a type is one word", "# TYPE m counter x\nm 1", "", "syntax:1"},
		{"a second TYPE is ignored", "# TYPE m gauge\n# TYPE m gauge\n# TYPE m counter\nm 1", "# m gauge \"\"\nm 1\n", ""},
		{"TYPE may stand behind samples", "m 1\n# TYPE m gauge\n", "# m gauge \"\"\nm 1\n", ""},
		{"TYPE of an invalid name is refused", "# TYPE a-b gauge\n", "", "name:1"},
		{"HELP of an invalid name is refused", "# HELP é gauge\n", "", "name:1"},
		{"a second HELP is ignored", "# HELP m a\n# HELP m b\nm 1", "# m untyped \"a\"\nm 1\n", ""},
		{"a second HELP is checked all the same", "# HELP m a\n# HELP m \xff\nm 1", "", "value:2"},
		{"HELP may follow samples", "m 1\n# HELP m late", "# m untyped \"late\"\nm 1\n", ""},
		{"HELP may come before TYPE", "# HELP m text\n# TYPE m gauge\nm 1", "# m gauge \"text\"\nm 1\n", ""},
		{"blanks in front of HELP go, those behind stay", "# HELP m  a b \nm 1", "# m untyped \"a b \"\nm 1\n", ""},
		{"HELP has escapes", `# HELP m a\\b\nc\"` + "\nm 1", "# m untyped \"a\\\\b\\nc\\\"\"\nm 1\n", ""},
		{"other escapes of HELP stand for themselves", `# HELP m a\tb` + "\nm 1", "# m untyped \"a\\\\tb\"\nm 1\n", ""},
		{"HELP may end in a backslash", `# HELP m a\` + "\nm 1", "# m untyped \"a\\\\\"\nm 1\n", ""},
		{"keywords are case-sensitive", "# type m gauge\nm 1", "m 1\n", ""},

		{"families are sorted and may interleave", "b{x=\"1\"} 1\na 1\nb{x=\"2\"} 2\nc 1\na{x=\"1\"} 3\n", "a 1\na{x=\"1\"} 3\nb{x=\"1\"} 1\nb{x=\"2\"} 2\nc 1\n", ""},
		{"the lines of a family keep their order", "m{x=\"2\"} 1\nm{x=\"1\"} 2\n", "m{x=\"2\"} 1\nm{x=\"1\"} 2\n", ""},
		{"a series is there once", "m{a=\"1\"} 1\nm{a=\"2\"} 1\nm{a=\"1\"} 1", "", "duplicate:3"},
		{"a series is there once, whatever the order of its labels", "m{a=\"1\",b=\"2\"} 1\nm{b=\"2\",a=\"1\"} 1", "", "duplicate:2"},
		{"an empty label is kept", "m{a=\"\"} 1", "m{a=\"\"} 1\n", ""},
		{"an empty label does not distinguish series", "m 1\nm{a=\"\"} 1", "", "duplicate:2"},
		{"two empty labels do not, either", "m{a=\"\",b=\"1\"} 1\nm{b=\"1\",c=\"\"} 1", "", "duplicate:2"},
		{"a counter may be negative", "# TYPE m counter\nm -1", "# m counter \"\"\nm -1\n", ""},
		{"le and quantile are ordinary labels elsewhere", "# TYPE m gauge\nm{le=\"x\",quantile=\"y\"} 1", "# m gauge \"\"\nm{le=\"x\",quantile=\"y\"} 1\n", ""},

		{"the quoted syntax is known", `{"m",a="1"} 1`, "m{a=\"1\"} 1\n", ""},
		{"a quoted name may stand alone", `{"m"} 1`, "m 1\n", ""},
		{"a quoted name may stand behind labels", `{ a="1" , "m" } 1`, "m{a=\"1\"} 1\n", ""},
		{"label names may be quoted", `m{"b"="1","a"="2"} 1`, "m{a=\"2\",b=\"1\"} 1\n", ""},
		{"quoted names in comments", "# TYPE \"m\" gauge\n# HELP \"m\" x\n{\"m\"} 1", "# m gauge \"x\"\nm 1\n", ""},
		{"a second name is refused", `{"m","q"} 1`, "", "syntax:1"},
		{"a second name behind the braces' own is refused", `m{"q"} 1`, "", "syntax:1"},
		{"an empty quoted name is refused", `{""} 1`, "", "name:1"},
		{"an empty quoted label is refused", `{"m",""="1"} 1`, "", "name:1"},
		{"a quoted reserved label is refused", `{"m","__name__"="1"} 1`, "", "name:1"},
		{"UTF-8 metric names need the option", `{"m.x"} 1`, "", "name:1"},
		{"UTF-8 label names need the option", `m{"a.b"="1"} 1`, "", "name:1"},
		{"a quoted name must end", `{"m} 1`, "", "syntax:1"},
		{"a quoted name with a backslash is no legacy name", `{"m\x"} 1`, "", "name:1"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			got, err := DecodeText([]byte(c.body), Options{})
			if c.refusal != "" {
				wantRefusal(t, err, c.refusal)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkFamilies(t, got, Options{})
			if text := decodedText(got); text != c.want {
				t.Errorf("body:\n%s\ngot:\n%s\nwant:\n%s", c.body, text, c.want)
			}
		})
	}
}

func TestTextRefusesInvalidUTF8WhereItWouldBeExposed(t *testing.T) {
	for _, c := range []struct{ body, refusal string }{
		{"m{a=\"\xff\"} 1", "value:1"},
		{"# HELP m \xff\nm 1", "value:1"},
		{"m\xff 1", "name:1"},
		{"{\"m\xff\"} 1", "name:1"},
		{"m{\"a\xff\"=\"1\"} 1", "name:1"},
		{"{\"m\x00\"} 1", "name:1"},
	} {
		_, err := DecodeText([]byte(c.body), Options{UTF8Names: true})
		wantRefusal(t, err, c.refusal)
	}
	got, err := DecodeText([]byte("# \xff is fine in a comment\nm{a=\"é\"} 1"), Options{})
	if err != nil || decodedText(got) != "m{a=\"é\"} 1\n" {
		t.Errorf("got %q, %v", decodedText(got), err)
	}
}

func TestTheGroupingIsSplicedIntoEverySeries(t *testing.T) {
	instance := []Label{{"instance", "i"}, {"job", "j"}}
	job := []Label{{"job", "j"}}
	for _, c := range []struct {
		sentence string
		grouping []Label
		body     string
		want     string
		refusal  string
	}{
		{"no grouping adds nothing", nil, "m 1", "m 1\n", ""},
		{"labels are merged in order", instance, `m{a="1",k="2",iz="3"} 1`, `m{a="1",instance="i",iz="3",job="j",k="2"} 1` + "\n", ""},
		{"a line without labels gets them all", instance, "m 1", `m{instance="i",job="j"} 1` + "\n", ""},
		{"the grouping overrides", instance, `m{job="mine",instance="mine"} 1`, `m{instance="i",job="j"} 1` + "\n", ""},
		{"an empty instance is added", job, `m 1`, `m{instance="",job="j"} 1` + "\n", ""},
		{"an instance of the body stays", job, `m{instance="b"} 1`, `m{instance="b",job="j"} 1` + "\n", ""},
		{"an empty instance of the body stays", job, `m{instance=""} 1`, `m{instance="",job="j"} 1` + "\n", ""},
		{"an added instance equals an empty one", job, "m{instance=\"\"} 1\nm 1", "", "duplicate:2"},
		{"the filler goes behind the last label", []Label{{"a", "1"}}, "m 1", `m{a="1",instance=""} 1` + "\n", ""},
		{"overriding can make series equal", job, "m{job=\"a\"} 1\nm{job=\"b\"} 1", "", "duplicate:2"},
		{"values are escaped", []Label{{"job", "a\"b\\c\nd"}}, "m 1", `m{instance="",job="a\"b\\c\nd"} 1` + "\n", ""},
		{"empty labels beside a grouping distinguish nothing", job, "m{x=\"\"} 1\nm 1", "", "duplicate:2"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			o := Options{Grouping: c.grouping}
			got, err := DecodeText([]byte(c.body), o)
			if c.refusal != "" {
				wantRefusal(t, err, c.refusal)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkFamilies(t, got, o)
			if text := decodedText(got); text != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", text, c.want)
			}
		})
	}
}

func TestUTF8NamesAreKeptAndTheirClashesRefused(t *testing.T) {
	for _, c := range []struct {
		sentence string
		grouping []Label
		body     string
		want     string
		refusal  string
	}{
		{"names are quoted", nil, `{"my.metric","la.bel"="1",b="2"} 1`, `{"my.metric",b="2","la.bel"="1"} 1` + "\n", ""},
		{"a name alone is quoted", nil, `{"my.metric"} 1`, `{"my.metric"} 1` + "\n", ""},
		{"a legacy name stays outside", nil, `{"m","é"="1"} 1`, `m{"é"="1"} 1` + "\n", ""},
		{"names have escapes", nil, `{"m\"\\\n","a\"b"="1"} 1`, `{"m\"\\\n","a\"b"="1"} 1` + "\n", ""},
		{"types of quoted names", nil, "# TYPE \"m.x\" gauge\n{\"m.x\"} 1", "# m.x gauge \"\"\n{\"m.x\"} 1\n", ""},
		{"histograms", nil, "# TYPE \"h.x\" histogram\n{\"h.x_bucket\",le=\"1\",\"z.z\"=\"1\"} 2\n{\"h.x_count\",\"z.z\"=\"1\"} 2", "# h.x histogram \"\"\n" +
			`{"h.x_bucket",le="1","z.z"="1"} 2` + "\n" + `{"h.x_count","z.z"="1"} 2` + "\n", ""},
		{"a grouping may have such names", []Label{{"a.b", "1"}, {"job", "j"}}, `m 1`, `m{"a.b"="1",instance="",job="j"} 1` + "\n", ""},
		{"series that are equal once escaped", nil, `{"m","a.b"="1"} 1` + "\n" + `m{a_b="1"} 2`, "", "duplicate:2"},
		{"the other way round", nil, `m{a_b="1"} 2` + "\n" + `{"m","a.b"="1"} 1`, "", "duplicate:2"},
		{"different values stay different", nil, `m{a_b="1"} 2` + "\n" + `{"m","a.b"="2"} 1`, `m{a_b="1"} 2` + "\n" + `m{"a.b"="2"} 1` + "\n", ""},
		{"labels that are equal once escaped", nil, `m{"a.b"="1",a_b="1"} 1`, "", "duplicate:1"},
		{"a label that equals the grouping's once escaped", []Label{{"a.b", "1"}}, `m{a_b="1"} 1`, "", "duplicate:1"},
		{"labels that are equal under escaping=dots", nil, `m{"a.b"="1",a_dot_b="1"} 1`, "", "duplicate:1"},
		{"labels that are equal under escaping=values", nil, `m{"a.b"="1",U__a_2e_b="1"} 1`, "", "duplicate:1"},
		{"a label that is reserved once escaped", nil, `m{"--name--"="1"} 1`, "", "name:1"},
		{"a label that is reserved under escaping=dots", nil, `m{"-name-"="1"} 1`, "", "name:1"},
		{"a colon in a label name", nil, `m{"a:b"="1"} 1`, `m{"a:b"="1"} 1` + "\n", ""},
		{"a colon is escaped, too", nil, `m{"a:b"="1",a_b="1"} 1`, "", "duplicate:1"},
		{"families that are equal once escaped", nil, `{"a.b"} 1` + "\na_b 2", "", "type:2"},
		{"families whose suffixes clash once escaped", nil, "# TYPE h_x histogram\nh_x_count 1\n{\"h.x_count\"} 1", "", "type:3"},
		{"a name that becomes the server's", nil, `{"push.time.seconds"} 1`, "", "type:1"},
		{"a value that looks like a label", nil, `m{"a.b"="=\"c=","d.e"=""} 1`, `m{"a.b"="=\"c=","d.e"=""} 1` + "\n", ""},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			o := Options{Grouping: c.grouping, UTF8Names: true}
			got, err := DecodeText([]byte(c.body), o)
			if c.refusal != "" {
				wantRefusal(t, err, c.refusal)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkFamilies(t, got, o)
			for _, f := range got {
				if !f.UTF8 && strings.ContainsAny(string(f.Text), ".é") {
					t.Errorf("UTF8 is not set for %s", f.Text)
				}
			}
			if text := decodedText(got); text != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", text, c.want)
			}
		})
	}
}

func TestTextRefusesMoreThanItsLimits(t *testing.T) {
	long := strings.Repeat("x", maxDecodeName+1)
	var many, sorted strings.Builder
	for i := range maxDecodeLabels + 1 {
		fmt.Fprintf(&many, "l%d=\"1\",", i)
		fmt.Fprintf(&sorted, "l%03d=\"1\",", i)
	}
	for _, c := range []struct{ sentence, body, refusal string }{
		{"series", "a 1\nb 1\nc 1\nd 1", "limit:4"},
		{"lines of histograms and summaries", "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh 1\nh_sum 1\nh_count 1", "limit:5"},
		{"metric name", long + " 1", "name:1"},
		{"label name", "m{" + long + "=\"1\"} 1", "name:1"},
		{"quoted name", `{"` + long + `"} 1`, "name:1"},
		{"name in a comment", "# TYPE " + long + " gauge", "name:1"},
		{"HELP", "# HELP m " + strings.Repeat("x", maxDecodeHelp+1), "limit:1"},
		{"labels", "m{" + many.String() + "} 1", "limit:1"},
		{"sorted labels", "m{" + sorted.String() + "} 1", "limit:1"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			_, err := DecodeText([]byte(c.body), Options{MaxSeries: 3})
			wantRefusal(t, err, c.refusal)
		})
	}
	if _, err := DecodeText([]byte("a 1\nb 1\nc 1\npush_time_seconds 1"), Options{MaxSeries: 3}); err != nil {
		t.Errorf("as many as allowed and a dropped one: %v", err)
	}
}

func TestALongGroupingCannotBlowAPushUp(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 64 MiB of text")
	}
	var body strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&body, "m%d 1\n", i)
	}
	_, err := DecodeText([]byte(body.String()), Options{Grouping: []Label{{"job", strings.Repeat("j", 1024)}}})
	wantRefusal(t, err, "limit")
}

func TestThePushTimesOfABodyAreDropped(t *testing.T) {
	for _, body := range []string{
		"push_time_seconds 1\npush_failure_time_seconds{x=\"1\"} 2\nm 1",
		"# TYPE push_failure_time_seconds counter\npush_failure_time_seconds 2\nm 1",
		"# TYPE push_time_seconds histogram\npush_time_seconds_bucket{le=\"1\"} 2\npush_time_seconds_count 7\nm 1",
		"push_time_seconds{job=\"a\"} 1\npush_time_seconds{job=\"b\"} 1\nm 1", // as another gateway exposes them
	} {
		got, err := DecodeText([]byte(body), Options{Grouping: []Label{{"job", "j"}}})
		if err != nil || decodedText(got) != "m{instance=\"\",job=\"j\"} 1\n" {
			t.Errorf("body:\n%s\ngot %q, %v", body, decodedText(got), err)
		}
	}
	_, err := DecodeText([]byte("push_time_seconds x"), Options{})
	wantRefusal(t, err, "syntax:1")
}

func TestTheResultDoesNotAliasTheBody(t *testing.T) {
	body := []byte("# HELP m text\n# TYPE m gauge\nm{a=\"1\"} 12\n")
	got, err := DecodeText(body, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := decodedText(got)
	for i := range body {
		body[i] = 'x'
	}
	if _, err := DecodeText([]byte("q 2\nz{b=\"3\"} 4"), Options{}); err != nil {
		t.Fatal(err)
	}
	if text := decodedText(got); text != want {
		t.Errorf("got %q, want %q", text, want)
	}
}

func TestPushesAreDecodedAtTheSameTime(t *testing.T) {
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			want := fmt.Sprintf("m{instance=\"\",job=\"j%d\",n=\"%d\"} %d\n", i, i, i)
			for range 200 {
				got, err := DecodeText(fmt.Appendf(nil, "m{n=\"%d\"} %d", i, i), Options{Grouping: []Label{{"job", fmt.Sprint("j", i)}}})
				if err != nil || decodedText(got) != want {
					t.Errorf("got %q, %v, want %q", decodedText(got), err, want)
				}
				if _, err := DecodeText([]byte("# TYPE h histogram\nh_sum 1\nh_sum 1"), Options{}); err == nil {
					t.Error("a sum is there twice")
				}
			}
		})
	}
	wait.Wait()
}

func TestErrorsQuoteLittle(t *testing.T) {
	_, err := DecodeText([]byte("m{a=\""+strings.Repeat("x\x01", 1000)+"\"} y"), Options{})
	wantRefusal(t, err, "syntax:1")
	_, err = DecodeText([]byte("\x1b[31m"+strings.Repeat("\xff", 1000)), Options{})
	wantRefusal(t, err, "name:1")
}
