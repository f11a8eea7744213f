package handlertest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/auth"
	"gatehouse/auth/credential"
)

// OneUser configures the user admin.
func OneUser(c Setup) {
	c.EnableAdminAPI = true
	c.Guard.Passwords = credential.NewPasswords(credential.PasswordOptions{User: "admin", Password: RightPassword})
}

// Below serves below a prefix.
func Below(prefix string) func(Setup) { return func(c Setup) { c.RoutePrefix = prefix } }

// ExternalURL sets the address that clients use.
func ExternalURL(address string) func(Setup) {
	return func(c Setup) { c.ExternalURL, _ = url.Parse(address) }
}

// LoginForm returns the form with which people sign in.
func LoginForm(name, password, next string) string {
	return url.Values{"name": {name}, "password": {password}, "next": {next}}.Encode()
}

// FormHeaders are those of a browser that sends a form of the server's own pages.
var FormHeaders = append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, BrowserHeaders[:4]...)

// Post sends a form as a browser does.
func (s *Server) Post(target, form string, headers ...string) Answer {
	s.T.Helper()
	return s.Do("POST", s.Prefix+target, form, append(headers, FormHeaders...)...)
}

// Cookie returns the first cookie that the answer sets; nil: none.
func (a Answer) Cookie() *http.Cookie {
	for _, k := range (&http.Response{Header: a.Header}).Cookies() {
		return k
	}
	return nil
}

// SignIn signs the user admin in and returns the headers of the session.
func (s *Server) SignIn() []string {
	s.T.Helper()
	a := s.Post("/login", LoginForm("admin", RightPassword, "/"))
	k := a.Cookie()
	if a.Status != 303 || k == nil {
		s.T.Fatalf("%v %v", a, a.Header)
	}
	return []string{"Cookie", k.Name + "=" + k.Value}
}

// StartSession starts a session of a person who signed in at a provider and returns its
// headers.
func (s *Server) StartSession(id string, role auth.Role) []string {
	s.T.Helper()
	Must(s.T, s.Store.CreateSession(s.T.Context(), id, auth.Session{
		Scheme: "oidc", ID: "sub:" + id, Credential: LoginRules, Name: id, Role: role, Created: time.Now(), Expires: time.Now().Add(time.Hour),
	}))
	return []string{"Cookie", "gatehouse_session=" + id}
}

// FormFields returns the attributes of a form's inputs by name, and its method and action.
func FormFields(t *testing.T, page string) (fields map[string]map[string]string, action string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	Must(t, err)
	fields = map[string]map[string]string{}
	for n := range doc.Descendants() {
		of := map[string]string{}
		for _, a := range n.Attr {
			of[a.Key] = a.Val
		}
		switch {
		case n.Data == "form":
			action = of["method"] + " " + of["action"]
		case n.Data == "input":
			fields[of["name"]] = of
		}
	}
	return fields, action
}
