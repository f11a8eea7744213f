package pebble

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/cockroachdb/pebble/v2"

	"gatehouse/store/journal"
)

// Bounds of a write with one sync.
const (
	maxGroup      = 256
	maxGroupBytes = 2 << 20
)

// maxCommitBytes bounds one commit; the engine takes 4 GiB at most.
const maxCommitBytes = 1 << 30

// commit is a call of Commit on its way to the committer.
type commit struct {
	ctx     context.Context
	changes []change
	bytes   int
	done    chan outcome
	outcome outcome
}

type outcome struct {
	revision journal.Revision
	err      error
}

type change struct {
	key    string
	digest digest
	cell   []byte // nil: removal
	when   *journal.Revision
}

// Commit writes all changes or none. If ctx ends after the changes were handed
// over, the error wraps the context's and the outcome is unknown: they may
// still become durable, and followers learn of it if they do.
func (j *Journal) Commit(ctx context.Context, changes ...journal.Change) (journal.Revision, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	c, err := newCommit(ctx, changes)
	if err != nil {
		return 0, err
	}
	if err := j.submit(c); err != nil {
		return 0, err
	}
	return j.outcomeOf(c)
}

func newCommit(ctx context.Context, changes []journal.Change) (*commit, error) {
	c := &commit{ctx: ctx, changes: make([]change, len(changes)), done: make(chan outcome, 1)}
	for i, ch := range changes {
		c.bytes += len(ch.Key) + len(ch.Value) + revisionBytes
		if c.bytes > maxCommitBytes {
			return nil, fmt.Errorf("a commit of more than %d bytes", maxCommitBytes)
		}
		c.changes[i] = change{key: ch.Key, digest: digestOf(ch.Key), when: ch.If}
		if ch.Value != nil {
			c.changes[i].cell = newCell(ch.Value)
		}
	}
	return c, c.checkKeys()
}

func (c *commit) checkKeys() error {
	if len(c.changes) < 2 {
		return nil
	}
	seen := make(map[digest]struct{}, len(c.changes))
	for _, ch := range c.changes {
		if _, twice := seen[ch.digest]; twice {
			return fmt.Errorf("two changes of one commit have the key %q", ch.key)
		}
		seen[ch.digest] = struct{}{}
	}
	return nil
}

// submit hands c to the committer. An error means that nothing is written.
func (j *Journal) submit(c *commit) error {
	for {
		changed, err := j.health.watch()
		if err != nil {
			return err
		}
		select {
		case <-j.closing:
			return errClosed
		default:
		}
		select {
		case j.queue <- c:
			return nil
		case <-c.ctx.Done():
			return c.ctx.Err()
		case <-j.closing:
			return errClosed
		case <-changed:
		}
	}
}

func (j *Journal) outcomeOf(c *commit) (journal.Revision, error) {
	for {
		changed, err := j.health.watch()
		select {
		case o := <-c.done:
			return o.revision, o.err
		default:
		}
		if errors.Is(err, journal.ErrBroken) {
			return 0, err
		}
		select {
		case o := <-c.done:
			return o.revision, o.err
		case <-changed:
		case <-c.ctx.Done():
			if err != nil {
				return 0, fmt.Errorf("the outcome of the commit is unknown: %w: %w", c.ctx.Err(), err)
			}
			return 0, fmt.Errorf("the outcome of the commit is unknown: %w", c.ctx.Err())
		}
	}
}

// commitLoop writes what the callers of Commit hand over while the previous
// group is being synced as one group.
func (j *Journal) commitLoop() {
	for {
		select {
		case c := <-j.queue:
			group := j.gather(c)
			j.write(group)
			for _, c := range group {
				c.done <- c.outcome
			}
		case <-j.closing:
			return
		}
	}
}

// gather takes the waiting commits. It lets others run once before it stops:
// those that were just answered are about to come back, and would miss this
// sync.
func (j *Journal) gather(first *commit) []*commit {
	group, bytes := []*commit{first}, first.bytes
	for yielded := false; len(group) < maxGroup && bytes < maxGroupBytes; {
		select {
		case c := <-j.queue:
			group = append(group, c)
			bytes += c.bytes
		default:
			if yielded {
				return group
			}
			runtime.Gosched()
			yielded = true
		}
	}
	return group
}

// write decides on every commit of a group and makes those that hold durable.
func (j *Journal) write(group []*commit) {
	if err := j.health.err(); errors.Is(err, journal.ErrBroken) {
		failAll(group, err)
		return
	}
	batch := j.db.NewBatch()
	defer batch.Close()
	var changed []journal.Record
	for _, c := range group {
		if err := j.check(c); err != nil {
			c.outcome = outcome{err: err}
			continue
		}
		changed = j.add(batch, c, changed)
		c.outcome = outcome{revision: j.index.totals.Revision}
	}
	if len(changed) == 0 {
		return
	}
	err := batch.Set([]byte(totalsKey), j.index.totals.encode(), nil)
	if err == nil {
		err = apply(j.db, batch)
	}
	if err != nil {
		if j.health.fail(err) {
			j.log.Error("writing failed: nothing can be stored until a restart", "error", err)
		}
		failAll(group, j.health.err())
		return
	}
	j.raise()
	j.publish(changed)
}

// check reports whether a commit is still wanted and its conditions hold, given
// all commits before it.
func (j *Journal) check(c *commit) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	for _, ch := range c.changes {
		if ch.when != nil && *ch.when != j.index.revision(ch.digest) {
			return journal.ErrConflict
		}
	}
	return nil
}

// add gives a commit's changes their revisions. From here on there is no way
// back: if the batch isn't written, the journal has failed.
func (j *Journal) add(batch *pebble.Batch, c *commit, changed []journal.Record) []journal.Record {
	for _, ch := range c.changes {
		j.index.totals.Revision++
		r := journal.Record{Key: ch.key, Revision: j.index.totals.Revision}
		// Errors of Set and Delete are those of an applied batch.
		if ch.cell == nil {
			j.index.forget(ch.digest)
			_ = batch.Delete(engineKey(ch.key), nil)
		} else {
			stamp(ch.cell, r.Revision)
			j.index.put(ch.digest, r.Revision)
			_ = batch.Set(engineKey(ch.key), ch.cell, nil)
			r.Value = ch.cell[revisionBytes:]
		}
		changed = append(changed, r)
	}
	return changed
}

// apply returns once the batch is durable. The engine panics in places where a
// write failed.
func apply(db *pebble.DB, batch *pebble.Batch) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the engine panicked: %v", r)
		}
	}()
	return db.Apply(batch, pebble.Sync)
}

func failAll(group []*commit, err error) {
	for _, c := range group {
		c.outcome = outcome{err: err}
	}
}

// raise notes the last durable revision. The line being too low costs some
// protection only, so a failure isn't one of the commit.
func (j *Journal) raise() {
	err := j.line.raise(j.index.totals.Revision)
	if err != nil && !j.stale {
		j.log.Warn("the last revision cannot be noted: a loss of files may go unnoticed", "error", err)
	}
	j.stale = err != nil
}
