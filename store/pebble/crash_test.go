package pebble

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"

	"gatehouse/store/journal"
)

// crasher is set in the environment of the process that is killed: the
// directory it writes to, and the round.
const crasher = "GATEHOUSE_TEST_CRASH"

const crashWriters, crashKeys = 4, 5

// state returns the value of a key after its n-th change; every seventh is a
// removal.
func state(key string, n int) []byte {
	if n == 0 || n%7 == 0 {
		return nil
	}
	return append(bytes.Repeat([]byte(key), 800), fmt.Sprint(n)...)
}

// TestEveryAcknowledgedChangeSurvivesAKill kills a process that commits and
// prints every acknowledged change, at ten random moments.
func TestEveryAcknowledgedChangeSurvivesAKill(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(crasher); dir != "" {
		commitUntilKilled(dir, os.Getenv(crasher+"_ROUND"))
		return
	}
	dir := t.TempDir()
	ledger := map[string]int{}
	random := rand.New(rand.NewPCG(9, 10))
	for round := range 10 {
		acknowledged := runAndKill(t, dir, round, 1+random.IntN(1000), ledger)
		if acknowledged == 0 {
			t.Fatal("nothing was acknowledged")
		}
		j := mustOpen(t, Options{Path: dir})
		held, err := contentsOf(t, j)
		if err != nil {
			t.Fatal(err)
		}
		for key, n := range ledger {
			got := held[key]
			if got != string(state(key, n)) && got != string(state(key, n+1)) {
				t.Errorf("round %d: %q holds %d bytes ending in %q, neither its last acknowledged change, %d, nor the one behind it",
					round, key, len(got), got[max(0, len(got)-5):], n)
			}
		}
		mustClose(t, j)
	}
}

// runAndKill returns how many changes were acknowledged, and notes them.
func runAndKill(t *testing.T, dir string, round, after int, ledger map[string]int) int {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEveryAcknowledgedChangeSurvivesAKill$")
	c.Env = append(os.Environ(), crasher+"="+dir, fmt.Sprintf("%s_ROUND=%d", crasher, round))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var key string
		var n int
		if _, err := fmt.Sscanf(lines.Text(), "ack %s %d.", &key, &n); err != nil {
			continue // cut off by the kill, or the testing package's
		}
		ledger[key] = n
		if acknowledged++; acknowledged == after {
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = c.Wait()
	return acknowledged
}

func commitUntilKilled(dir, round string) {
	j, err := Open(Options{Path: dir, MinFree: -1})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var writers sync.WaitGroup
	for w := range crashWriters {
		writers.Go(func() {
			for i := 0; ; i++ {
				key, n := fmt.Sprintf("%s/%d/%d", round, w, i%crashKeys), i/crashKeys+1
				_, err := j.Commit(context.Background(), journal.Change{Key: key, Value: state(key, n)})
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				fmt.Printf("ack %s %d.\n", key, n)
			}
		})
	}
	writers.Wait()
}
