package commit

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/store/journal"
)

// request is an operation on its way through the committer.
type request struct {
	ctx context.Context
	op  Operation
	rev journal.Revision
	err error
	// answered is closed when rev and err are set.
	answered chan struct{}
}

// Submit has an operation carried out and waits until it is durable.
func (e *Engine) Submit(ctx context.Context, op Operation) (journal.Revision, error) {
	if err := e.err(); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, e.o.Timeout)
	defer cancel()
	r := &request{ctx: ctx, op: op, answered: make(chan struct{})}
	select {
	case <-e.closing:
		return 0, ErrClosed
	default:
	}
	select {
	case e.requests <- r:
	default:
		return 0, ErrBusy
	}
	select {
	case <-r.answered:
		return r.rev, r.err
	case <-e.finished:
		select {
		case <-r.answered:
			return r.rev, r.err
		default:
			return 0, ErrClosed // it came too late to be looked at
		}
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return 0, fmt.Errorf("%w: it took longer than %v", journal.ErrUnavailable, e.o.Timeout)
		}
		return 0, ctx.Err()
	}
}

func (r *request) run(b *Batch) {
	if r.err = r.ctx.Err(); r.err == nil {
		b.Tick()
		r.err = r.op.Apply(b)
	}
}

func (r *request) answer(rev journal.Revision, err error) {
	r.rev, r.err = rev, err
	close(r.answered)
}
