package handlers

import (
	"context"

	"gatehouse/auth"
	"gatehouse/store"
)

// Sessions keeps the guard's sessions in a store.
type Sessions struct{ Store *store.Store }

// Session is part of guard.Sessions.
func (s Sessions) Session(id string) (auth.Session, bool) {
	x, ok := s.Store.Session(id)
	role, err := auth.ParseRole(x.Role)
	if !ok || err != nil || x.ID == "" {
		return auth.Session{}, false
	}
	return auth.Session{
		Scheme: auth.Scheme(x.Scheme), ID: x.ID, Name: x.Name, Role: role,
		Created: x.Created, LastUsed: x.LastUsed, Expires: x.Expires, Credential: x.Credential, Extra: x.Extra,
		Provider: x.Provider, From: x.From, UserAgent: x.UserAgent,
	}, true
}

// UseSession is part of guard.Sessions.
func (s Sessions) UseSession(id, from string) { s.Store.UseSession(id, from) }

// BeginSession is part of guard.Sessions.
func (s Sessions) BeginSession(ctx context.Context, id string, x auth.Session) error {
	now := s.Store.Now() // by the clock that it is judged by
	return s.Store.CreateSession(ctx, id, store.Session{
		Scheme: string(x.Scheme), ID: x.ID, Name: x.Name, Role: x.Role.String(),
		Created: now, LastUsed: now, Expires: now.Add(x.Expires.Sub(x.Created)), Credential: x.Credential, Extra: x.Extra,
		Provider: x.Provider, From: x.From, UserAgent: x.UserAgent,
	})
}

// EndSession is part of guard.Sessions.
func (s Sessions) EndSession(ctx context.Context, id, from string) error {
	o := store.Origin{From: from, Via: string(auth.SessionCookie)}
	if x, ok := s.Store.Session(id); ok {
		o.By, o.ID = x.Name, x.ID
	}
	return s.Store.EndSession(ctx, id, o)
}
