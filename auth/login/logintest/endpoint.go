package logintest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"gatehouse/auth/issuer/issuertest"
)

// endpoint is the address of an endpoint.
func (p *Provider) endpoint(name string) string {
	return strings.TrimRight(p.Issuer(), "/") + "/" + name
}

// authorize signs Person in and sends the browser back at once.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	back, err := p.SignIn(r.URL.String(), p.Person)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// SignIn does what the authorization endpoint does for a browser that comes to
// that address, for a person of choice. It returns where the browser is sent
// back to. What is wrong with the address is an error.
func (p *Provider) SignIn(address string, person map[string]any) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	query := u.Query()
	back, err := url.Parse(query.Get("redirect_uri"))
	switch {
	case err != nil || back.Host == "":
		return nil, errors.New("redirect_uri is not a URL")
	case query.Get("client_id") != ClientID:
		return nil, errors.New("client_id is not that of the client")
	case query.Get("response_type") != "code":
		return nil, errors.New("response_type is not code")
	case !slices.Contains(strings.Fields(query.Get("scope")), "openid"):
		return nil, errors.New("scope doesn't hold openid")
	case query.Get("state") == "" || query.Get("nonce") == "":
		return nil, errors.New("there is no state, or no nonce")
	case query.Get("code_challenge_method") != "S256" || query.Get("code_challenge") == "":
		return nil, errors.New("there is no code challenge")
	}
	answer := url.Values{"state": {query.Get("state")}, "iss": {p.Issuer()}}
	if p.Decline != "" {
		answer.Set("error", p.Decline)
		answer.Set("error_description", "<script>alert(1)</script>")
	} else {
		answer.Set("code", p.grant(person, query))
	}
	if p.Callback != nil {
		p.Callback(answer)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sentBack = append(p.sentBack, answer)
	both := back.Query()
	maps.Copy(both, answer)
	back.RawQuery = both.Encode()
	return back, nil
}

func (p *Provider) grant(person map[string]any, query url.Values) (code string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	code = "code-" + rand.Text()
	p.codes[code] = grant{
		person: maps.Clone(person), nonce: query.Get("nonce"),
		challenge: query.Get("code_challenge"), redirectURI: query.Get("redirect_uri"),
	}
	return code
}

// token gives tokens for a code, once.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "no form", http.StatusBadRequest)
		return
	}
	if p.lie(w, r, p.Token) {
		return
	}
	if problem := p.client(r); problem != "" {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client", "error_description": problem})
		return
	}
	g, problem := p.redeem(r.PostForm)
	if problem != "" {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": problem})
		return
	}
	access := "access-" + rand.Text()
	p.mu.Lock()
	p.access[access] = g.person
	p.mu.Unlock()
	tokens := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300}
	if !p.NoIDToken {
		tokens["id_token"] = p.idToken(g, access)
	}
	p.pad(w, p.Token)
	answer(w, http.StatusOK, tokens)
}

// client says what is wrong with how a client authenticates.
func (p *Provider) client(r *http.Request) string {
	id, secret, basic := r.BasicAuth()
	form := r.PostForm
	post := form.Has("client_secret")
	p.mu.Lock()
	methods := p.methods
	p.mu.Unlock()
	switch {
	case p.Public:
		if basic || post || form.Get("client_id") != ClientID {
			return "a public client gives its id and no secret"
		}
		return ""
	case basic && post:
		return "there are two secrets"
	case basic && methods != nil && !slices.Contains(methods, "client_secret_basic"):
		return "client_secret_basic is not supported"
	case post && !slices.Contains(methods, "client_secret_post"):
		return "client_secret_post is not supported"
	case post:
		id, secret = form.Get("client_id"), form.Get("client_secret")
	default:
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	}
	if id != ClientID || secret != ClientSecret {
		return "the secret is not that of the client"
	}
	return ""
}

// redeem uses a code up. It says what is wrong with the request otherwise.
func (p *Provider) redeem(form url.Values) (grant, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	code := form.Get("code")
	g, ok := p.codes[code]
	delete(p.codes, code)
	switch {
	case form.Get("grant_type") != "authorization_code":
		return g, "grant_type is not authorization_code"
	case !ok:
		return g, "there is no such code"
	case form.Get("redirect_uri") != g.redirectURI:
		return g, "redirect_uri is not the one of before"
	case oauth2.S256ChallengeFromVerifier(form.Get("code_verifier")) != g.challenge:
		return g, "code_verifier is not that of the challenge"
	}
	return g, ""
}

func (p *Provider) idToken(g grant, access string) string {
	claims := maps.Clone(g.person)
	for _, name := range p.Withheld {
		delete(claims, name)
	}
	half := sha256.Sum256([]byte(access))
	maps.Copy(claims, map[string]any{
		"aud": ClientID, "nonce": g.nonce, "exp": time.Now().Add(5 * time.Minute).Unix(),
		"at_hash": base64.RawURLEncoding.EncodeToString(half[:len(half)/2]), // of RS256
	})
	maps.Copy(claims, p.IDToken)
	return p.Fake.Token(claims, p.Signing...)
}

// userinfo returns all about the person whose access token it is.
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	if p.lie(w, r, p.Userinfo) {
		return
	}
	access, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	p.mu.Lock()
	person := maps.Clone(p.access[access])
	p.mu.Unlock()
	if person == nil {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
		return
	}
	maps.Copy(person, p.UserinfoClaims)
	maps.DeleteFunc(person, func(_ string, v any) bool { return v == issuertest.Drop })
	p.pad(w, p.Userinfo)
	answer(w, http.StatusOK, person)
}

// endSession sends the browser back to where it says.
func (p *Provider) endSession(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	p.mu.Lock()
	p.leavers = append(p.leavers, query)
	p.mu.Unlock()
	if query.Get("id_token_hint") == "" && query.Get("client_id") != ClientID {
		http.Error(w, "who is it?", http.StatusBadRequest)
		return
	}
	back := query.Get("post_logout_redirect_uri")
	if back == "" {
		_, _ = io.WriteString(w, "signed out")
		return
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// lie answers as a mode says, if that is not how it has to be.
func (p *Provider) lie(w http.ResponseWriter, r *http.Request, m Mode) bool {
	repeated := r.PostForm.Encode() + " " + r.Header.Get("Authorization")
	switch m {
	case ServerError:
		http.Error(w, "no luck with "+repeated, http.StatusInternalServerError)
	case Refuse:
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": repeated})
	case Hang:
		select {
		case <-p.over:
		case <-r.Context().Done():
		}
	case HTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>Sign in</title>"+repeated)
	case Redirect:
		if strings.HasSuffix(r.URL.Path, "/moved") {
			return false
		}
		http.Redirect(w, r, r.URL.Path+"/moved", http.StatusTemporaryRedirect)
	default:
		return false
	}
	return true
}

// pad makes an answer huge. White space is no part of JSON.
func (p *Provider) pad(w http.ResponseWriter, m Mode) {
	if m == Huge {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, strings.Repeat(" ", 8<<20))
	}
}

func answer(w http.ResponseWriter, status int, document map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document)
}
