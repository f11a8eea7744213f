package gateway_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"gatehouse/handlers/handlertest"
)

func TestBodiesThatGrowTakeLittleMemory(t *testing.T) {
	zeros := strings.Repeat("\x00", 40<<20) // more than may be taken
	tests := []struct {
		name, coding, body string
		protobuf           bool
		status             int
	}{
		{"a gzip bomb", "gzip", handlertest.Encode("gzip", zeros), false, 413},
		{"a zstd bomb", "zstd", handlertest.Encode("zstd", zeros), false, 413},
		{"a snappy bomb", "snappy", handlertest.Encode("snappy", zeros[:20<<20]), false, 413},
		{"a promised gigabyte", "", "\x80\x80\x80\x80\x04", true, 400},
		{"a promised gigabyte in gzip", "gzip", handlertest.Encode("gzip", "\x80\x80\x80\x80\x04"), true, 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t)
			headers := []string{"Content-Type", "text/plain"}
			if test.protobuf {
				headers = []string{"Content-Type", handlertest.ProtobufType}
			}
			if test.coding != "" {
				headers = append(headers, "Content-Encoding", test.coding)
			}
			const times = 5
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range times {
				if a := s.Do("PUT", "/metrics/job/x", test.body, headers...); a.Status != test.status {
					t.Errorf("%v, want %d", a, test.status)
				}
			}
			runtime.ReadMemStats(&after)
			// 1 MiB is what a body may have once it is decoded.
			if taken := (after.TotalAlloc - before.TotalAlloc) / times; taken > 16<<20 {
				t.Errorf("takes %d MiB", taken>>20)
			}
			s.WantGroupings()
			s.WantSoundScrapes()
		})
	}
}

func TestHELPStaysAsItIsUntilItsLastHolderGoes(t *testing.T) {
	s := handlertest.Start(t)
	help := func() string {
		for line := range strings.SplitSeq(s.Get("/metrics").Body, "\n") {
			if rest, ok := strings.CutPrefix(line, "# HELP m "); ok {
				return rest
			}
		}
		return ""
	}
	push := func(job, help string) string {
		return s.Do("PUT", "/metrics/job/"+job, "# HELP m "+help+"\n# TYPE m gauge\nm 1\n").Body
	}
	push("b", "First.")
	push("a", "Second.")
	push("c", "First.")
	for range 20 {
		if got := help(); got != "First." {
			t.Fatalf("HELP is %q", got)
		}
	}
	s.Do("DELETE", "/metrics/job/b", "")
	if got := help(); got != "First." {
		t.Errorf("HELP is %q though one holder is left", got)
	}
	s.Do("DELETE", "/metrics/job/c", "")
	if got := help(); got != "Second." {
		t.Errorf("HELP is %q", got)
	}
	if strings.Contains(s.Log.String(), "HELP") {
		t.Errorf("the log is told of it:\n%s", s.Log.String())
	}
	s.WantSoundScrapes()
}

func TestRefusedPushesLeaveNothingBehind(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/held", "# TYPE m gauge\nm 1\n")
	before := s.Samples()
	for i := range 50 {
		if a := s.Do("PUT", fmt.Sprintf("/metrics/job/new/i/%d", i), "# TYPE m counter\nm 1\n"); a.Status != 400 {
			t.Fatalf("%v", a)
		}
	}
	s.WantGroupings(`{job="held"}`)
	s.WantSamples(before...)
	s.WantSoundScrapes()
}

func TestGroupingsThatAreOneOnceEscapedAreRefused(t *testing.T) {
	for _, check := range []bool{true, false} {
		s := handlertest.Start(t, func(c handlertest.Setup) {
			c.UTF8Names = true
			c.CheckConsistency, c.Store.CheckConsistency = check, check
		})
		if a := s.Do("PUT", "/metrics/job/x/l.m/1", "a 1\n"); a.Status/100 != 2 {
			t.Fatalf("check %v: %v", check, a)
		}
		for _, body := range []string{"a 2\n", ""} {
			if a := s.Do("PUT", "/metrics/job/x/l_m/1", body); a.Status != 400 || !handlertest.Contains(a.Body, `{job="x","l.m"="1"}`) {
				t.Errorf("check %v: %v", check, a)
			}
		}
		s.WantGroupings(`{job="x","l.m"="1"}`)
		s.WantSoundScrapes()
	}
}
