package webconfig

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/app/webconfig/certtest"
)

// records is a log that a test reads.
type records struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *records) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

// count says how many records of the level there are.
func (r *records) count(level slog.Level) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.text.String(), "level="+level.String()+" ")
}

func (r *records) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// names of what setting keeps in its directory.
const (
	configName = "web.yml"
	certName   = "server.crt"
	keyName    = "server.key"
	caName     = "ca.crt"
)

// setting is a directory with a web configuration file and what it names.
type setting struct {
	ca     *certtest.CA
	dir    string
	config string // content of the file
	log    *records
	file   *File
}

// newSetting serves with a certificate for "first" and the extra lines of
// tls_server_config.
func newSetting(t *testing.T, lines ...string) *setting {
	t.Helper()
	s := &setting{ca: certtest.NewCA(t, "ca"), dir: t.TempDir(), log: new(records)}
	s.config = section(certtest.Pair{CertFile: certName, KeyFile: keyName}, lines...)
	s.put(t, s.files(t, s.ca.Server(t, "first")))
	s.open(t)
	return s
}

func (s *setting) open(t *testing.T) {
	t.Helper()
	f, err := Open(filepath.Join(s.dir, configName), s.log.logger())
	if err != nil {
		t.Fatal(err)
	}
	s.file = f
}

// files are the contents that make up the setting with this certificate.
func (s *setting) files(t *testing.T, p certtest.Pair) map[string]string {
	t.Helper()
	return map[string]string{
		configName: s.config, certName: content(t, p.CertFile), keyName: content(t, p.KeyFile), caName: content(t, s.ca.CertFile),
	}
}

// put writes files in place, over what is there.
func (s *setting) put(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		writeFile(t, filepath.Join(s.dir, name), text)
	}
}

// rename writes files beside what is there and then moves them over it.
func (s *setting) rename(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(s.dir, name)
		writeFile(t, path+".new", text)
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
}

// swap puts files into a new directory and then lets a symbolic link, through
// which all names go, point to it: so Kubernetes updates a mounted secret.
func (s *setting) swap(t *testing.T, files map[string]string) {
	t.Helper()
	fresh, err := os.MkdirTemp(s.dir, "..")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		writeFile(t, filepath.Join(fresh, name), text)
		link := filepath.Join(s.dir, name)
		if _, err := os.Readlink(link); err == nil {
			continue
		}
		_ = os.Remove(link)
		if err := os.Symlink(filepath.Join("..data", name), link); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(s.dir, "..data")
	if err := os.Symlink(filepath.Base(fresh), link+"_tmp"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link+"_tmp", link); err != nil {
		t.Fatal(err)
	}
}

// served is the common name of the certificate that addr shows.
func served(t *testing.T, addr string, c *tls.Config) string {
	t.Helper()
	state, err := ask(addr, c)
	if err != nil {
		t.Errorf("asking: %v", err)
		return ""
	}
	return state.PeerCertificates[0].Subject.CommonName
}

func TestANewCertificateServesHoweverItsFilesAreReplaced(t *testing.T) {
	tests := map[string]func(*setting, *testing.T, map[string]string){
		"written in place": (*setting).put, "renamed": (*setting).rename, "symbolic link": (*setting).swap,
	}
	for name, replace := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSetting(t)
			replace(s, t, s.files(t, s.ca.Server(t, "first")))
			s.open(t)
			addr := serve(t, s.file, listen(t))
			conn, err := tls.Dial("tcp", addr, s.ca.ClientTLS())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			staying := visit(conn)
			for _, want := range []string{"second", "third"} {
				if err := staying.ask(); err != nil {
					t.Errorf("before %s, on the old connection: %v", want, err)
				}
				replace(s, t, s.files(t, s.ca.Server(t, want)))
				if err := s.file.Reload(); err != nil {
					t.Errorf("%s: %v", want, err)
				}
				if got := served(t, addr, s.ca.ClientTLS()); got != want {
					t.Errorf("serves %q, want %q", got, want)
				}
			}
			if err := staying.ask(); err != nil {
				t.Errorf("on the old connection: %v", err)
			}
			if got := s.log.count(slog.LevelInfo); got != 2 {
				t.Errorf("got %d notes, want 2:\n%s", got, s.log)
			}
		})
	}
}

func TestABrokenChangeIsLoggedOnceAndNothingElseHappens(t *testing.T) {
	tests := []struct {
		name  string
		files func(t *testing.T, s *setting, next certtest.Pair) map[string]string
		want  string
	}{
		{"key of another", func(t *testing.T, s *setting, next certtest.Pair) map[string]string {
			return map[string]string{certName: content(t, next.CertFile)}
		}, "does not match"},
		{"half a certificate", func(t *testing.T, s *setting, next certtest.Pair) map[string]string {
			cert := content(t, next.CertFile)
			return map[string]string{certName: cert[:len(cert)/2], keyName: content(t, next.KeyFile)}
		}, "cannot use the certificate"},
		{"half a key", func(t *testing.T, s *setting, next certtest.Pair) map[string]string {
			key := content(t, next.KeyFile)
			return map[string]string{certName: content(t, next.CertFile), keyName: key[:len(key)/2]}
		}, "cannot use the certificate"},
		{"empty client CA", func(t *testing.T, s *setting, next certtest.Pair) map[string]string {
			return map[string]string{caName: ""}
		}, "no certificate in the client CA"},
		{"no such file", func(t *testing.T, s *setting, next certtest.Pair) map[string]string {
			return map[string]string{configName: strings.Replace(s.config, certName, "absent.crt", 1)}
		}, "absent.crt"},
		{"unknown key", func(t *testing.T, s *setting, next certtest.Pair) map[string]string {
			return map[string]string{configName: s.config + "users: {}\n"}
		}, "unknown key"},
		{"plain password", func(t *testing.T, s *setting, next certtest.Pair) map[string]string {
			return map[string]string{configName: s.config + "basic_auth_users: {alice: " + secret + "}\n"}
		}, "alice"},
		{"empty file", func(t *testing.T, s *setting, next certtest.Pair) map[string]string {
			return map[string]string{configName: ""}
		}, "TLS can be switched off by a restart only"},
		{"certificates not asked for", func(t *testing.T, s *setting, next certtest.Pair) map[string]string {
			return map[string]string{configName: section(certtest.Pair{CertFile: certName, KeyFile: keyName})}
		}, "client certificates were required at the start and can become none by a restart only"},
		{"certificates optional", func(t *testing.T, s *setting, next certtest.Pair) map[string]string {
			return map[string]string{configName: strings.Replace(s.config, "RequireAndVerifyClientCert", "VerifyClientCertIfGiven", 1)}
		}, "client certificates were required at the start and can become optional by a restart only"},
		{"certificates unverified", func(t *testing.T, s *setting, next certtest.Pair) map[string]string {
			return map[string]string{configName: strings.Replace(s.config, "RequireAndVerifyClientCert", "RequireAnyClientCert", 1)}
		}, "client certificates were required at the start and can become unverified by a restart only"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetting(t, "client_auth_type: RequireAndVerifyClientCert", "client_ca_file: "+caName)
			addr := serve(t, s.file, listen(t))
			with := s.ca.ClientTLS(s.ca.Client(t, "client"))
			next := s.ca.Server(t, "second")
			s.put(t, tt.files(t, s, next))
			for range 3 {
				if err := s.file.Reload(); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
			}
			if got := served(t, addr, with); got != "first" {
				t.Errorf("serves %q, want the first", got)
			}
			if _, err := ask(addr, s.ca.ClientTLS()); err == nil {
				t.Error("let in a client without certificate")
			}
			if s.log.count(slog.LevelError) != 1 || s.log.count(slog.LevelInfo) != 0 {
				t.Errorf("want one error in the log, got\n%s", s.log)
			}
			if log := s.log.String(); strings.Contains(log, secret) || strings.Contains(log, strings.Split(content(t, next.KeyFile), "\n")[1]) {
				t.Errorf("the log holds a secret:\n%s", log)
			}

			s.put(t, s.files(t, next))
			if err := s.file.Reload(); err != nil {
				t.Errorf("repaired: %v", err)
			}
			if got := served(t, addr, with); got != "second" {
				t.Errorf("repaired, but serves %q", got)
			}
		})
	}
}

func TestTLSIsNotSwitchedOnWhileRunning(t *testing.T) {
	s := newSetting(t)
	with := s.config
	s.put(t, map[string]string{configName: ""})
	s.open(t)
	s.put(t, map[string]string{configName: with})
	err := s.file.Reload()
	if err == nil || !strings.Contains(err.Error(), "TLS can be switched on by a restart only") || s.file.TLS() {
		t.Errorf("got %v, TLS %t", err, s.file.TLS())
	}
}

func TestAFileThatVanishesIsNotAnEmptyOne(t *testing.T) {
	s := newSetting(t)
	s.put(t, map[string]string{configName: ""})
	s.open(t)
	if err := os.Remove(filepath.Join(s.dir, configName)); err != nil {
		t.Fatal(err)
	}
	if err := s.file.Reload(); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
	s.put(t, map[string]string{configName: ""})
	if err := s.file.Reload(); err != nil {
		t.Errorf("it is back: %v", err)
	}
}

func TestUsersAndHeadersFollowTheFile(t *testing.T) {
	s := newSetting(t)
	alice, bob := hashed(t, "a"), hashed(t, "b")
	steps := []struct {
		text           string
		users, headers map[string]string
	}{
		{"basic_auth_users: {alice: " + alice + "}", map[string]string{"alice": alice}, nil},
		{"basic_auth_users: {alice: " + bob + "}", map[string]string{"alice": bob}, nil},
		{"http_server_config: {headers: {X-Frame-Options: deny}}", nil, map[string]string{"X-Frame-Options": "deny"}},
		{"", nil, nil},
	}
	s.put(t, map[string]string{configName: "# nothing"})
	s.open(t)
	for _, step := range steps {
		s.put(t, map[string]string{configName: step.text})
		if err := s.file.Reload(); err != nil {
			t.Errorf("%q: %v", step.text, err)
		}
		if !maps.Equal(s.file.Users(), step.users) || !maps.Equal(s.file.Headers(), step.headers) {
			t.Errorf("%q: got %v, %v", step.text, s.file.Users(), s.file.Headers())
		}
	}
}

func TestAConnectionWithoutCertificateCannotBeResumedOnceOneIsRequired(t *testing.T) {
	s := newSetting(t)
	addr := serve(t, s.file, listen(t))
	config := s.ca.ClientTLS()
	config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for range 2 {
		if _, err := ask(addr, config); err != nil {
			t.Fatal(err)
		}
	}
	s.config = section(certtest.Pair{CertFile: certName, KeyFile: keyName},
		"client_auth_type: RequireAndVerifyClientCert", "client_ca_file: "+caName)
	s.put(t, map[string]string{configName: s.config})
	if err := s.file.Reload(); err != nil || s.file.ClientCertificates() != Required {
		t.Fatalf("got %v, certificates %s", err, s.file.ClientCertificates())
	}
	if state, err := ask(addr, config); err == nil {
		t.Errorf("let in, resumed %t", state.DidResume)
	}
}

func TestAClientOfTheFormerAuthorityIsRefused(t *testing.T) {
	s := newSetting(t, "client_auth_type: RequireAndVerifyClientCert", "client_ca_file: "+caName)
	addr := serve(t, s.file, listen(t))
	former := s.ca.ClientTLS(s.ca.Client(t, "client"))
	former.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	if _, err := ask(addr, former); err != nil {
		t.Fatal(err)
	}
	other := certtest.NewCA(t, "other")
	s.put(t, map[string]string{caName: content(t, other.CertFile)})
	if err := s.file.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(addr, former); err == nil {
		t.Error("a client of the former authority was let in")
	}
	if _, err := ask(addr, s.ca.ClientTLS(other.Client(t, "client"))); err != nil {
		t.Errorf("a client of the new authority: %v", err)
	}
}

func TestWatchReportsEachChangeUntilItEnds(t *testing.T) {
	s := newSetting(t)
	first, second := s.files(t, s.ca.Server(t, "first")), s.files(t, s.ca.Server(t, "second"))
	s.put(t, first)
	s.open(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var calls atomic.Int64
		var ended atomic.Bool
		go func() {
			s.file.Watch(ctx, time.Second, func() { calls.Add(1) })
			ended.Store(true)
		}()
		after := func(what string, wait time.Duration, wantCalls int64, wantErrors int) {
			t.Helper()
			time.Sleep(wait) // on the test's own clock
			synctest.Wait()
			gotCalls, gotErrors := calls.Load(), s.log.count(slog.LevelError)
			if gotCalls != wantCalls || gotErrors != wantErrors {
				t.Errorf("%s: got %d calls and %d errors, want %d and %d:\n%s", what, gotCalls, gotErrors, wantCalls, wantErrors, s.log)
			}
		}
		after("nothing changed", 10*time.Second, 0, 0)
		s.put(t, second)
		after("changed, but not looked yet", time.Second-time.Nanosecond, 0, 0)
		after("changed", time.Nanosecond, 1, 0)
		after("nothing more changed", 10*time.Second, 1, 0)
		s.put(t, map[string]string{keyName: first[keyName]})
		after("broken", 10*time.Second, 1, 1)
		s.put(t, map[string]string{certName: "also broken"})
		after("broken in another way", 10*time.Second, 1, 2)
		s.put(t, first)
		after("repaired", 10*time.Second, 2, 2)
		s.put(t, second)
		if err := s.file.Reload(); err != nil {
			t.Error(err)
		}
		after("reloaded by somebody else", 10*time.Second, 3, 2)
		cancel()
		synctest.Wait()
		if !ended.Load() {
			t.Error("Watch goes on after its context ended")
		}
	})
}

func TestLookingReloadingAndServingGoTogether(t *testing.T) {
	s := newSetting(t)
	addr := serve(t, s.file, listen(t))
	pairs := []map[string]string{s.files(t, s.ca.Server(t, "first")), s.files(t, s.ca.Server(t, "second"))}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				if _, err := ask(addr, s.ca.ClientTLS()); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 50 {
				_ = s.file.Reload() // certificate and key may not belong together at the moment
				_, _, _ = s.file.Users(), s.file.Headers(), s.file.ClientCertificates()
			}
		})
	}
	for i := range 20 {
		s.rename(t, pairs[i%2])
	}
	all.Wait()
}
