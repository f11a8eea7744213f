package web

import (
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Keys under which a request carries that its client has not sent the body yet,
// and that it is to send it.
const (
	BodyWaits  = "body waits"
	bodyWanted = "body wanted"
)

// expect answers a client that sends the body only once it is asked for it
// (Expect: 100-continue). It is asked when everything has passed that needs no
// body; the routes then begin anew. Else the answer is complete, and the last one
// of the connection: nobody knows whether the body comes all the same.
func (s *Server) expect(do fasthttp.RequestHandler) func(*fasthttp.RequestCtx) int {
	return func(ctx *fasthttp.RequestCtx) int {
		ctx.SetUserValue(BodyWaits, true)
		do(ctx)
		ctx.RemoveUserValue(BodyWaits)
		if ctx.UserValue(bodyWanted) != nil {
			ctx.Response.Reset()
			return fasthttp.StatusContinue
		}
		linger(ctx.Conn())
		return ctx.Response.StatusCode()
	}
}

// expectsNothing drops the expectation of a request that has no body to wait
// with.
func expectsNothing(header *fasthttp.RequestHeader) {
	if length := header.ContentLength(); (length == 0 || length == -2) && len(header.Peek(fiber.HeaderExpect)) > 0 {
		header.Del(fiber.HeaderExpect)
	}
}

// cached returns the endpoint's handler, behind one that sets how long answers may be kept.
func (e Endpoint) cached() fiber.Handler {
	if e.Cache == "" {
		return e.Do
	}
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderCacheControl, e.Cache)
		return e.Do(c)
	}
}

// refusing returns the endpoint's handler, behind one that refuses requests before their
// body is read. strict ones are also refused for parameters that it doesn't know.
func (e Endpoint) refusing(method string, strict bool) fiber.Handler {
	do := e.Do
	if method == fiber.MethodGet || method == fiber.MethodDelete && !strict {
		return do
	}
	takesBody := method == fiber.MethodPut || method == fiber.MethodPost
	return func(c *fiber.Ctx) error {
		var wrong error
		if strict {
			wrong = e.wrongQuery(c)
		}
		if e.Head != nil {
			wrong = e.Head(c, wrong)
		}
		switch {
		case wrong != nil:
			return wrong
		case takesBody && c.Locals(BodyWaits) != nil:
			c.Locals(bodyWanted, true)
			return nil
		}
		return do(c)
	}
}
