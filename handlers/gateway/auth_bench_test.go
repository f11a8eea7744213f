package gateway_test

import (
	"net"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/auth/issuer"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/handlers/handlertest"
)

// madeLimits are the limits of tokens that people have made.
var madeLimits = map[string]string{"made token": "", "limited token": `{job=~"b.*",instance!=""}`}

// BenchmarkPush shows what a credential adds to a push; "open" is the same push
// with nothing configured.
func BenchmarkPush(b *testing.B) {
	fake := issuertest.New(b)
	tokens := func(c handlertest.Setup) {
		c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken, handlertest.SecondToken})
	}
	users := map[string]string{"admin": "$2a$10$C6UzMDM.H6dfI/f/IKcEe.7uTPc8IW4CVZ8DmGQQMlgnkBMw8W4/y"}
	for _, bench := range []struct {
		name, header, value string
		change              func(handlertest.Setup)
	}{
		{"open", "X-Api-Key", "none", func(handlertest.Setup) {}},
		{"token", "X-Api-Key", handlertest.SecondToken, tokens},
		{"bearer token", "Authorization", "Bearer " + handlertest.SecondToken, tokens},
		{"bearer token with an issuer", "Authorization", "Bearer " + handlertest.SecondToken, func(c handlertest.Setup) { handlertest.EveryCredential(fake)(c); tokens(c) }},
		{"made token", "Authorization", "Bearer ", tokens},
		{"limited token", "Authorization", "Bearer ", tokens},
		{"password", "Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword), func(c handlertest.Setup) {
			c.Guard.Passwords = credential.NewPasswords(credential.PasswordOptions{User: "admin", Password: handlertest.RightPassword, Users: users})
		}},
		{"JWT", "Authorization", "Bearer " + fake.Token(map[string]any{"groups": "admins"}, issuertest.WithAlg("ES256")), func(c handlertest.Setup) {
			handlertest.EveryCredential(fake)(c)
			c.Guard.Issuer = issuer.New(issuer.Options{Issuer: fake.Issuer(), MaxAge: 24 * time.Hour})
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s, value := handlertest.Start(b, bench.change), bench.value
			if limit, made := madeLimits[bench.name]; made {
				value += s.CreateToken("made", auth.Pusher, limit).Secret
			}
			handler := s.App.Server().Handler
			var request fasthttp.Request
			request.Header.SetMethod("PUT")
			request.SetRequestURI("/metrics/job/backup/instance/db1")
			request.Header.SetHost("localhost")
			request.Header.SetContentLength(1 << 30)
			request.Header.Set(bench.header, value)
			push := func() int {
				var c fasthttp.RequestCtx
				c.Init(&request, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, nil)
				handler(&c)
				return c.Response.StatusCode()
			}
			// One that is too large costs the same up to the store, whose commits
			// would hide the rest.
			b.ReportAllocs()
			for b.Loop() {
				if status := push(); status != 413 {
					b.Fatal(status)
				}
			}
		})
	}
}
