package harness

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
)

// Comments returns a body that says nothing.
func Comments(n int) []byte { return bytes.Repeat([]byte("# comment\n"), n/10+1)[:n] }

// Gzip compresses a body.
func Gzip(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text) // to memory: never fails
	_ = z.Close()
	return b.String()
}

// PushHostile makes pushes whose names and texts would like to be more than text.
func (s *Server) PushHostile(headers ...string) {
	s.T.Helper()
	s.Put("/metrics/job/%3Cscript%3Ecomplaints.push(1)%3C%2Fscript%3E/instance/%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
		"# HELP a <script>complaints.push(2)</script>\na{l=\"javascript:alert(1)\"} 1\n", headers...)
	s.Put("/metrics/job/rtl/instance/%E2%80%AEgnitset/long/"+strings.Repeat("x", 1000), "b 2\n", headers...)
	s.Put("/metrics/job/backup/instance/db-1/path/a%2Fb", "# TYPE backup_seconds histogram\nbackup_seconds_bucket{le=\"1\"} 3\nbackup_seconds_bucket{le=\"5\"} 8\nbackup_seconds_bucket{le=\"+Inf\"} 9\nbackup_seconds_sum 20\nbackup_seconds_count 9\n", headers...)
	s.Want(400, "PUT", "/metrics/job/backup/instance/db-1/path/a%2Fb", "c{\n", headers...)
}

// EveryType is a push in the text format.
const EveryType = `# HELP c_total A \\ counter\nof "things".
# TYPE c_total counter
c_total{code="200"} 1.2345678901234e+13
c_total{code="500"} +Inf
# TYPE g gauge
g -0
g{b="2",a="1"} 1e-7
# TYPE h histogram
h_bucket{le="0.1"} 1
h_bucket{le="1"} 3
h_bucket{le="+Inf"} 4
h_sum 12
h_count 4
# TYPE s summary
s{quantile="0.5"} 1.5
s{quantile="0.99"} NaN
s_sum 10.25
s_count 7
u{text="\"\\\n"} 0.1
# TYPE v untyped
v 1000000
`
