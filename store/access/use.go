package access

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/store/commit"
	"gatehouse/store/journal"
	"gatehouse/store/record"
)

// saveUsesEvery is the interval at which last uses of sessions and tokens are
// written: they are not worth a write each.
const saveUsesEvery = time.Minute

// uses remembers when sessions and tokens were last used, by the keys of their
// records. It is safe for concurrent use; noting a use takes no lock that others
// hold for long.
type uses struct {
	of sync.Map // of string to *use

	mu      sync.Mutex
	unsaved []string // keys of uses since the last write
	saveAt  time.Time
	wanted  chan<- struct{} // gets a value when there is something to save
}

type use struct {
	at    atomic.Int64 // the stamp, in Unix nanoseconds; 0: never
	ran   atomic.Int64 // the ran time of that, as of clock.Clock; 0: not known
	from  atomic.Pointer[string]
	dirty atomic.Bool
}

func newUses(wanted chan<- struct{}) *uses { return &uses{wanted: wanted} }

func (s *Registry) noteUse(key, from string) {
	now := s.clock.Now()
	s.uses.note(key, from, now, s.clock.Stamp().UnixNano(), s.clock.Ran(now))
}

// note remembers that something is used now, on the running time.
func (u *uses) note(key, from string, now time.Time, stamp, ran int64) {
	x := u.find(key)
	x.at.Store(stamp)
	x.ran.Store(ran)
	if was := x.from.Load(); was == nil || *was != from {
		x.from.Store(new(from))
	}
	if x.dirty.Swap(true) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.unsaved = append(u.unsaved, key); len(u.unsaved) > 1 {
		return
	}
	u.saveAt = now.Add(saveUsesEvery)
	select {
	case u.wanted <- struct{}{}:
	default:
	}
}

func (u *uses) find(key string) *use {
	if x, ok := u.of.Load(key); ok {
		return x.(*use)
	}
	x, _ := u.of.LoadOrStore(key, &use{})
	return x.(*use)
}

// stamps returns when something was last used, and from where; 0: never.
func (u *uses) stamps(key string) (at, ran int64, from string) {
	v, ok := u.of.Load(key)
	if !ok {
		return 0, 0, ""
	}
	x := v.(*use)
	if f := x.from.Load(); f != nil {
		from = *f
	}
	return x.at.Load(), x.ran.Load(), from
}

// learn takes in what the journal reports, unless more is known here.
func (u *uses) learn(key string, at, ran int64, from string) {
	if x := u.find(key); x.at.Load() < at {
		x.at.Store(at)
		x.ran.Store(ran)
		x.from.Store(&from)
	}
}

func (u *uses) forget(key string) { u.of.Delete(key) }

// due is when the next uses are to be written.
func (u *uses) due() (time.Time, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.saveAt, len(u.unsaved) > 0
}

// take hands over the keys of some of what is to be written.
func (u *uses) take(now time.Time, all bool) []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !all && now.Before(u.saveAt) {
		return nil
	}
	n := len(u.unsaved)
	if !all {
		n = min(n, commit.Chunk)
	}
	keys := u.unsaved[:n:n]
	u.unsaved = u.unsaved[n:]
	return keys
}

// dropUse forgets the last use of what goes in this batch.
func (b *batch) dropUse(key string) {
	b.uses.forget(key)
	b.Add(journal.Change{Key: kindUse + key})
}

// owns reports whether the session or token of a use exists.
func (s *Registry) owns(p *commit.Snapshot, key string) bool {
	if strings.HasPrefix(key, kindSession) {
		_, ok := sessionTrees(s.sessionsIn(p)).byKey.Get(key)
		return ok
	}
	_, ok := tokenTrees(s.tokensIn(p)).byID.Get(strings.TrimPrefix(key, kindToken))
	return ok
}

// savedUse is the journal's record of a use.
type savedUse struct {
	at, ran int64 // the stamp, and the ran time
	from    string
}

func (x savedUse) encode() []byte {
	return record.Marshal(&record.Use{Format: record.Format, At: x.at, Ran: x.ran, From: x.from})
}

func decodeUse(b []byte) (savedUse, error) {
	var r record.Use
	err := record.Unmarshal(b, &r)
	return savedUse{at: r.At, ran: r.Ran, from: r.From}, err
}

// useTable is when sessions and tokens were last used.
type useTable struct {
	commit.Passive
	*Registry
	unowned []string // keys of uses whose session or token does not exist any more
}

// Prefix is part of commit.Table.
func (*useTable) Prefix() string { return kindUse }

// Apply applies the record of a use, which follows that of its session or
// token.
func (t *useTable) Apply(tx *commit.Transaction, r commit.Event) error {
	if r.Value == nil {
		return nil
	}
	key := strings.TrimPrefix(r.Key, kindUse)
	if !t.owns(tx.Snapshot, key) {
		t.unowned = append(t.unowned, key)
		return nil
	}
	x, err := decodeUse(r.Value)
	if err != nil {
		return err
	}
	tx.Learn(x.at, x.ran)
	t.uses.learn(key, x.at, x.ran, x.from)
	return nil
}

// Due is part of commit.Table.
func (t *useTable) Due(*commit.Snapshot) (time.Time, bool) { return t.uses.due() }

// Tidy writes when sessions and tokens were last used. What can't be written
// is not tried again: the next use is as good.
func (t *useTable) Tidy(b *commit.Batch) {
	for _, key := range t.uses.take(t.clock.Now(), b.IsLast()) {
		x := t.uses.find(key)
		x.dirty.Store(false)
		if !t.owns(b.Snapshot, key) {
			t.uses.forget(key)
			continue
		}
		at, ran, from := t.uses.stamps(key)
		b.Add(journal.Change{Key: kindUse + key, Value: savedUse{at, ran, from}.encode()})
	}
	for _, key := range t.unowned {
		b.Add(journal.Change{Key: kindUse + key})
	}
	t.unowned = nil
}
