package main

import (
	"os"
	"testing"
	"time"
)

func TestTheBoundsAreMeasuredAndLeaveNothingBehind(t *testing.T) {
	if ms, err := constantScrape(t.Context(), 2, 1<<20); err != nil || ms <= 0 {
		t.Errorf("constant body: %v ms, %v", ms, err)
	}
	dir := t.TempDir()
	rate, err := appendLoop(t.Context(), dir, 4, 1000, 20*time.Millisecond)
	if err != nil || rate <= 0 {
		t.Errorf("append loop: %v records a second, %v", rate, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
