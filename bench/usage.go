package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// serverUsage is the server process' consumption during the run.
type serverUsage struct {
	CPUSeconds   float64 `json:"cpu_s"`
	RSSBeforeMiB float64 `json:"rss_before_mib"`
	RSSAfterMiB  float64 `json:"rss_after_mib"`
	RSSPeakMiB   float64 `json:"rss_peak_mib"` // since the server's start
}

type serverSample struct {
	cpu       float64
	rss, peak float64
}

// readServer reads /proc; a nil sample means that no process was named.
func readServer(pid int) (*serverSample, error) {
	if pid == 0 {
		return nil, nil
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	// Fields are counted after the command name, which may contain spaces.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return nil, fmt.Errorf("unexpected /proc/%d/stat", pid)
	}
	const ticksPerSecond = 100
	var s serverSample
	for _, f := range fields[11:13] { // utime, stime
		ticks, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return nil, err
		}
		s.cpu += ticks / ticksPerSecond
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		if name != "VmRSS" && name != "VmHWM" {
			continue
		}
		kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		if err != nil {
			return nil, err
		}
		if name == "VmRSS" {
			s.rss = kib / 1024
		} else {
			s.peak = kib / 1024
		}
	}
	return &s, nil
}

func serverDelta(before, after *serverSample) *serverUsage {
	if before == nil || after == nil {
		return nil
	}
	return &serverUsage{
		CPUSeconds:   after.cpu - before.cpu,
		RSSBeforeMiB: before.rss,
		RSSAfterMiB:  after.rss,
		RSSPeakMiB:   after.peak,
	}
}

func ownCPU() float64 {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		return 0
	}
	return float64(ru.Utime.Nano()+ru.Stime.Nano()) / 1e9
}

// resetPeak resets the peak of a process' memory to its present value, so that
// readServer reports the peak from now on.
func resetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}
