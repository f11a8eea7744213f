package handlertest

import (
	"gatehouse/auth"
	"gatehouse/store"
)

// Token is a token and its secret.
type Token struct {
	*store.Token
	Secret string
}

// Headers returns the headers of a client that has the token.
func (m Token) Headers() []string { return []string{"Authorization", "Bearer " + m.Secret} }

// CreateToken creates a token; limit is a selector, or empty.
func (s *Server) CreateToken(name string, role auth.Role, limit string) Token {
	s.T.Helper()
	n := store.NewToken{Name: name, Role: role}
	if limit != "" {
		var err error
		n.Scope, err = store.ParseSelectors([]string{limit})
		Must(s.T, err)
	}
	t, secret, err := s.Store.CreateToken(s.T.Context(), n, store.Origin{By: "test", Via: "basic"})
	Must(s.T, err)
	return Token{t, secret}
}
