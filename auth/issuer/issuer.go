// Package issuer holds the signing keys of an OpenID Connect issuer, and the
// metadata of its discovery document.
//
// Keys are fetched when the first token needs one, kept while the issuer can't
// be reached, and fetched anew when a token names one that is not there. No
// token, forged or not, makes the issuer be asked more often than configured.
package issuer

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

var (
	// ErrUnavailable says that the key may or may not exist: no keys were ever
	// loaded, or the caller did not wait for the answer.
	ErrUnavailable = errors.New("the signing keys of the issuer are not available at present")
	// ErrUnknownKey says that the issuer has no such key.
	ErrUnknownKey = errors.New("the issuer has no key for this token")
)

// maxKid bounds the kid of tokens.
const maxKid = 1 << 10

// Options say whose keys are meant and how often to ask for them.
type Options struct {
	Issuer  string         // as the iss claim has it
	JWKSURI string         // where the keys are; empty: where discovery says, else {issuer}/.well-known/jwks.json
	RootCAs *x509.CertPool // the TLS authorities to trust; nil: the system's
	MinGap  time.Duration  // the least time between two fetches, for whatever reason; 0: 10 s
	MaxAge  time.Duration  // the age from which keys are fetched anew, while the old ones serve; 0: 1 h
	Timeout time.Duration  // of one fetch in all; 0: 5 s
	// Observe is called with the outcome of each fetch, nil for success, when
	// it is in force; it may be nil. Fetches that Close ends have no outcome.
	Observe func(error)
	Logger  *slog.Logger     // nil: none
	Now     func() time.Time // nil: time.Now
}

func (o Options) withDefaults() Options {
	orElse := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	orElse(&o.MinGap, 10*time.Second)
	orElse(&o.MaxAge, time.Hour)
	orElse(&o.Timeout, 5*time.Second)
	if o.Observe == nil {
		o.Observe = func(error) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Issuer is the signing keys and the metadata of an issuer. It is safe for concurrent use.
type Issuer struct {
	o      Options
	client *http.Client
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu      sync.Mutex
	keys    keySet        // nil: never loaded
	loaded  time.Time     // when keys was asked for
	tried   time.Time     // when the last fetch began
	failure error         // of the last fetch
	running chan struct{} // closed when the fetch is over; nil: none is running

	described description

	// These belong to the fetch that is running.
	discovered string // the last address that discovery gave
	used       source // the last that was logged
	warned     string // the failure that was logged last; empty: the last fetch succeeded
}

// New returns the keys of an issuer without asking for them: it neither waits
// nor fails, whatever the options are. Mistakes in them show as failed fetches.
func New(o Options) *Issuer {
	o = o.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	return &Issuer{o: o, client: NewClient(o.RootCAs), ctx: ctx, cancel: cancel}
}

// Close ends the fetches that may be running and waits for them; later ones fail
// at once. The keys that are there go on to serve. Without Close nothing leaks: a fetch
// ends with its timeout.
func (i *Issuer) Close() {
	i.cancel()
	i.mu.Lock()
	fetches := []<-chan struct{}{i.running, i.described.running}
	i.mu.Unlock()
	for _, running := range fetches {
		if running != nil {
			<-running
		}
	}
}

// Key returns the public key for a token with that kid, which may be empty, and
// that alg: an *rsa.PublicKey, an *ecdsa.PublicKey or an ed25519.PublicKey, not
// to be modified. The errors are ErrUnknownKey and, wrapped with its cause,
// ErrUnavailable.
//
// A kid that is known is answered at once. Others wait for the fetch that is
// running or due, until ctx ends.
func (i *Issuer) Key(ctx context.Context, kid, alg string) (crypto.PublicKey, error) {
	if len(kid) > maxKid || !KnownAlgorithm(alg) {
		return nil, ErrUnknownKey
	}
	if running := i.request(kid); running != nil {
		select {
		case <-running:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
	}
	i.mu.Lock()
	keys, failure := i.keys, i.failure
	i.mu.Unlock()
	if keys == nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, failure)
	}
	if public := keys.find(kid, alg); public != nil {
		return public, nil
	}
	return nil, ErrUnknownKey
}

// request starts a fetch if that kid needs one and one is allowed. It returns
// what tokens with that kid have to wait for, or nil.
func (i *Issuer) request(kid string) <-chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.o.Now()
	known := i.keys.names(kid)
	if (!known || over(i.o.MaxAge, i.loaded, now)) && i.mayFetch(now) {
		i.tried, i.running = now, make(chan struct{})
		go i.refresh(now)
	}
	if known {
		return nil
	}
	return i.running
}

// mayFetch expects mu to be held. Attempts count, not successes: an issuer in
// trouble is not asked more often.
func (i *Issuer) mayFetch(now time.Time) bool {
	return i.running == nil && over(i.o.MinGap, i.tried, now)
}

// over reports whether a duration has passed since some time, also when that is
// never or, after the clock was set back, in the future.
func over(d time.Duration, since, now time.Time) bool {
	return since.IsZero() || now.Before(since) || now.Sub(since) >= d
}

// refresh fetches the keys. On failure the old ones stay, for ever if need be:
// otherwise an outage of the issuer would be one of ours.
func (i *Issuer) refresh(began time.Time) {
	ctx, cancel := context.WithTimeout(i.ctx, i.o.Timeout)
	defer cancel()
	keys, from, err := i.fetch(ctx)
	if err != nil {
		err = cause(err)
	}
	closed := i.ctx.Err() != nil
	if !closed {
		i.log(len(keys), from, err)
	}
	i.settle(keys, began, err)
	if !closed {
		i.o.Observe(err)
	}
}

// settle puts the outcome of the fetch in force and ends it.
func (i *Issuer) settle(keys keySet, began time.Time, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.failure = err
	if err == nil {
		i.keys, i.loaded = keys, began
	}
	close(i.running)
	i.running = nil
}

// log says what is new: a failure other than the last, the end of failures,
// and where keys come from.
func (i *Issuer) log(keys int, from source, err error) {
	log := i.o.Logger
	if err != nil {
		if i.warned != err.Error() {
			i.warned = err.Error()
			log.Warn("The issuer's signing keys can't be fetched.", "err", err)
		}
		return
	}
	if i.used.uri != from.uri || i.used.by != from.by {
		i.used = from
		if from.passed != nil {
			log = log.With("passed", cause(from.passed))
		}
		log.Info("The issuer's signing keys are in use.", "url", shown(from.uri), "by", from.by, "keys", keys)
	} else if i.warned != "" {
		log.Info("The issuer's signing keys can be fetched again.")
	}
	i.warned = ""
}
