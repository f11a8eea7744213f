package durability

import (
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"gatehouse/app/e2e/harness"
)

// A ledger notes the answers to one client about its groupings. Nobody else
// changes them, so that their possible states are known.
type ledger map[string]*entry

// entry is a grouping by what it held last for certain, and what else it may
// hold since: a change without an answer may have been made or not.
type entry struct {
	acknowledged string
	attempted    *string
}

// absent is the content of a grouping that doesn't exist.
const absent = "absent"

// check holds the ledger against a server. What is there now has to stay.
func (l ledger) check(t *testing.T, held map[string]string) {
	t.Helper()
	for path, e := range l {
		got, ok := held[path]
		if !ok {
			got = absent
		}
		if got != e.acknowledged && (e.attempted == nil || got != *e.attempted) {
			attempted := "nothing"
			if e.attempted != nil {
				attempted = *e.attempted
			}
			t.Errorf("%s holds %s; acknowledged was %s and attempted %s", path, got, e.acknowledged, attempted)
		}
		e.acknowledged, e.attempted = got, nil
	}
}

// heldBy returns the value of each grouping by its path. Each push writes its
// value twice; a grouping with two values was stored in half.
func heldBy(s *harness.Server) map[string]string {
	s.T.Helper()
	held := make(map[string]string)
	for _, l := range s.Pushed() {
		series, value, _ := strings.Cut(l, "} ")
		var instance, job string
		if _, err := fmt.Sscanf(series[strings.Index(series, "{"):], "{instance=%q,job=%q", &instance, &job); err != nil {
			s.T.Fatalf("%s: %v", l, err)
		}
		path := "/metrics/job/" + job + "/instance/" + instance
		if other, twice := held[path]; twice && other != value {
			s.T.Errorf("%s holds both %s and %s", path, other, value)
		}
		held[path] = value
	}
	return held
}

// writer is a client that pushes and deletes without a pause.
type writer struct {
	ledger ledger
	paths  []string
	random *rand.Rand
	next   func() int64 // values, each greater than all before
}

// change makes one change. An error says that there was no answer.
func (w *writer) change(url string) error {
	path := w.paths[w.random.IntN(len(w.paths))]
	e := w.ledger[path]
	method, body, after, want := "DELETE", "", absent, 202
	if n := w.random.IntN(5); n > 0 {
		v := fmt.Sprint(w.next())
		body, after, want = "# TYPE twin_a gauge\ntwin_a "+v+"\n# TYPE twin_b gauge\ntwin_b "+v+"\n", v, 200
		method = []string{"", "PUT", "PUT", "POST", "POST"}[n]
	}
	e.attempted = &after
	a, err := harness.Send(method, url, path, strings.NewReader(body))
	if err != nil {
		return err
	}
	if a.Status != want {
		return fmt.Errorf("%v, want %d", a, want)
	}
	e.acknowledged, e.attempted = after, nil
	return nil
}

func writers(n, groupings int) []*writer {
	var value atomic.Int64
	all := make([]*writer, n)
	for i := range all {
		w := &writer{ledger: ledger{}, random: rand.New(rand.NewPCG(uint64(i), 1)), next: func() int64 { return value.Add(1) }}
		for j := range groupings {
			path := fmt.Sprintf("/metrics/job/writer%d/instance/%d", i, j)
			w.paths = append(w.paths, path)
			w.ledger[path] = &entry{acknowledged: absent}
		}
		all[i] = w
	}
	return all
}

func TestKillingTheServerLosesNothingThatWasAcknowledgedAndBringsNothingBack(t *testing.T) {
	t.Parallel()
	const kills = 20
	dir := filepath.Join(t.TempDir(), "store")
	all := writers(6, 4)
	random := rand.New(rand.NewPCG(7, 7))
	total := int64(0)
	for round := range kills + 1 {
		s := harness.StartOn(t, dir, "--log.level=info")
		held := heldBy(s)
		for _, w := range all {
			w.ledger.check(t, held)
		}
		if t.Failed() || round == kills {
			break
		}
		var acknowledged atomic.Int64
		limit := 20 + random.Int64N(300)
		var clients sync.WaitGroup
		for _, w := range all {
			clients.Go(func() {
				for w.change(s.URL) == nil {
					if acknowledged.Add(1) == limit {
						_ = s.Cmd.Process.Signal(syscall.SIGKILL)
					}
				}
			})
		}
		clients.Wait()
		if s.Exit(); acknowledged.Load() < limit {
			t.Fatalf("round %d: only %d changes were acknowledged before something else went wrong", round, acknowledged.Load())
		}
		total += acknowledged.Load()
	}
	t.Logf("%d changes were acknowledged between %d kills", total, kills)
}

func TestRequestsInFlightAtSIGTERMAreAnsweredAndStored(t *testing.T) {
	t.Parallel()
	const inFlight = 20
	dir := filepath.Join(t.TempDir(), "store")
	s := harness.StartOn(t, dir)
	conns := make([]*harness.RawConn, inFlight)
	for i := range conns {
		conns[i] = s.Dial()
		// The server says 100 once somebody reads the body: it is in flight.
		conns[i].Write(fmt.Sprintf("PUT /metrics/job/slow/instance/%d HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", i))
		if a := conns[i].Read(); a.Status != 100 {
			t.Fatal(a)
		}
	}
	all := writers(4, 4)
	var acknowledged atomic.Int64
	var clients sync.WaitGroup
	for _, w := range all {
		clients.Go(func() {
			for w.change(s.URL) == nil {
				if acknowledged.Add(1) == 100 {
					_ = s.Cmd.Process.Signal(syscall.SIGTERM)
				}
			}
		})
	}
	clients.Wait() // they fail as soon as it stops listening
	s.Wrote(`msg=Stopping`)
	if c, err := net.Dial("tcp", s.Addr); err == nil {
		_ = c.Close()
		t.Error("it still listens")
	}
	for i, c := range conns {
		c.Write("m 1\n")
		if a := c.Read(); a.Status != 200 {
			t.Errorf("the push in flight %d: %v", i, a)
		}
		if !c.Ended() {
			t.Errorf("the connection of the push in flight %d did not end in order", i)
		}
	}
	if code := s.Exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	held := heldBy(harness.StartOn(t, dir))
	for _, w := range all {
		w.ledger.check(t, held)
	}
	for i := range conns {
		if path := fmt.Sprintf("/metrics/job/slow/instance/%d", i); held[path] != "1" {
			t.Errorf("%s holds %q, want 1", path, held[path])
		}
	}
}

func TestAScrapeDuringPushesSeesEachGroupingWhole(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for _, w := range writers(4, 2) {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := w.change(s.URL); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	seen := map[string]bool{}
	harness.Until(t, "500 different values", func() string {
		for path, value := range heldBy(s) { // fails on half a push
			seen[path+" "+value] = true
		}
		if len(seen) < 500 {
			return fmt.Sprint(len(seen))
		}
		return ""
	})
	close(stop)
	clients.Wait()
}
