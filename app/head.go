package app

import (
	"bytes"
	"net"
	"strconv"

	"gatehouse/auth/guard"
)

const (
	// longLine is how much of a line is kept while its end is not known.
	longLine = 64
	// longBareLine is the same with bare line ends. The server below refuses
	// heads that are longer.
	longBareLine = 32 << 10
	// maxLength is that of bodies that anybody sends.
	maxLength = 1 << 40
	// spoiled makes the server below refuse a head at once, wherever it comes.
	spoiled = "\x00\r\n\r\n"
)

// Why heads are spoiled.
const (
	complaintMixed = "line ends are mixed: all must be CRLF"
	complaintBare  = "bare LF as line ends is only taken from requests without a body: end lines with CRLF"
)

// lineEnds are those of a head so far.
type lineEnds uint8

const (
	noLineEnds lineEnds = iota
	crlf
	bareLF
)

// headConn is a connection that looks at the heads of requests for what the server
// below it takes no end of, or does not take. That one waits for a CRLF that clients
// with bare LF, typed or from scripts, never send.
//
// If all line ends of a head are bare and no body is announced, they are handed on
// as CRLF, and nothing behind them ever is: so no reader takes for a request what
// another one takes for something else. Heads with mixed line ends, and with bare
// ones before a body, are spoiled. An empty Host becomes guard.NoHost. All else is
// handed on as it is.
//
// It looks only where a request is known to begin: at the start of the connection,
// and where the server asks for more after an answer. Reads are for one goroutine
// at a time.
type headConn struct {
	net.Conn

	fresh     bool   // the next byte to be read begins a request
	inHead    bool   // the next byte to be read belongs to its head
	last      bool   // nothing follows the request
	complaint string // why its head was spoiled

	ends  lineEnds
	lines int    // of the head, but for empty ones in front
	left  int64  // of the body behind it; below 0: nobody knows
	line  []byte // start of the line whose end is not known; with bare ends all of it
	cr    bool   // the last byte of that start is a CR
	begun bool   // with bare ends: a start of the line was handed on before
	unfit bool   // with bare ends: there is a body, or what may hide one

	ready  []byte // is to be handed on, and was looked at
	store  []byte
	off    int  // store[off:] was read, but neither looked at nor handed on
	stored bool // the last bytes came from store
}

// Idle says that the next request begins with the next byte that is read.
func (c *headConn) Idle() { c.fresh = true }

// Active says that a request has begun. If nothing was read since Idle, it came
// together with the end of the body before, and nobody knows here where it begins.
func (c *headConn) Active() {
	if c.fresh {
		c.fresh, c.inHead = false, false
	}
}

// Complaint returns the mistake in the head of the request; "" if there is none.
func (c *headConn) Complaint() string { return c.complaint }

// Last reports whether nothing can follow the request.
func (c *headConn) Last() bool { return c.last }

// NetConn is the connection below.
func (c *headConn) NetConn() net.Conn { return c.Conn }

// Once answers what find found out about the connection the first time.
func (c *headConn) Once(find func() bool) bool {
	if r, ok := c.Conn.(interface{ Once(func() bool) bool }); ok {
		return r.Once(find)
	}
	return find()
}

func (c *headConn) Read(p []byte) (int, error) {
	if c.fresh {
		c.fresh, c.inHead, c.complaint = false, true, ""
		c.ends, c.lines, c.left, c.line, c.cr, c.begun, c.unfit = noLineEnds, 0, 0, c.line[:0], false, false, false
	}
	for len(p) > 0 {
		if len(c.ready) > 0 {
			n := copy(p, c.ready)
			c.ready = c.ready[n:]
			return n, nil
		}
		n, err := c.next(p[:c.most(len(p))])
		switch {
		case n > 0 && c.inHead:
			n = c.look(p[:n])
		case c.left > 0:
			c.left -= int64(n)
		}
		if n > 0 || err != nil && len(c.ready) == 0 {
			return n, err
		}
	}
	return 0, nil
}

// most is how much may be read at once, so that a body is not handed on together
// with the start of the next request.
func (c *headConn) most(n int) int {
	if c.inHead || c.left <= 0 {
		return n
	}
	return int(min(int64(n), c.left))
}

// next reads what was not looked at yet. After the last request it drops what
// comes.
func (c *headConn) next(p []byte) (int, error) {
	if c.stored = c.off < len(c.store); c.stored {
		n := copy(p, c.store[c.off:])
		c.off += n
		return n, nil
	}
	c.store, c.off = nil, 0
	n, err := c.Conn.Read(p)
	if c.last {
		n = 0
	}
	return n, err
}

// giveBack makes next return b, the end of what it has returned last, again.
func (c *headConn) giveBack(b []byte) {
	if c.stored {
		c.off -= len(b)
		return
	}
	c.store, c.off = bytes.Clone(b), 0
}

// look looks at b, a part of a head and maybe more, and returns how much of it is
// to be handed on before all else.
func (c *headConn) look(b []byte) int {
	for at := 0; at < len(b); {
		if c.ends == bareLF {
			c.rewrite(b[at:])
			return at
		}
		n := bytes.IndexByte(b[at:], '\n')
		if n < 0 {
			return c.keep(b, at)
		}
		line, isCRLF := c.whole(b[at : at+n])
		next := at + n + 1
		switch {
		case !isCRLF && c.ends == noLineEnds:
			c.ends, c.begun, c.line = bareLF, len(c.line) > 0, c.line[:0]
			continue
		case !isCRLF:
			c.spoil(complaintMixed)
			return 0
		case len(line) == 0 && c.lines > 0:
			return c.end(b, next)
		case n > 0 && c.namesNoHost(line):
			return c.nameNoHost(b, next-2)
		case len(line) > 0:
			c.count(line)
		}
		c.ends, c.line, at = crlf, c.line[:0], next
	}
	return len(b)
}

// keep remembers what matters of the line at the end of b, which is not at its own
// end.
func (c *headConn) keep(b []byte, at int) int {
	part := b[at:]
	if c.cr = part[len(part)-1] == '\r'; c.cr && len(part) <= longLine {
		if line, _ := c.whole(part); c.namesNoHost(line) {
			return c.nameNoHost(b, len(b)-1)
		}
	}
	if c.line = append(c.line, part[:min(len(part), longLine+1)]...); len(c.line) > longLine {
		c.line = c.line[:longLine]
		c.line[longLine-1] = 'x' // not a blank, lest a long line is taken for an empty one
	}
	return len(b)
}

// whole returns a line without its end, given what there is of it in front of the
// LF, and whether it ends in CRLF.
func (c *headConn) whole(end []byte) (line []byte, isCRLF bool) {
	if len(c.line) == 0 {
		return bytes.CutSuffix(end, []byte("\r"))
	}
	isCRLF = len(end) == 0 && c.cr || bytes.HasSuffix(end, []byte("\r"))
	line = append(c.line, end...) // the next line overwrites it
	return bytes.TrimSuffix(line, []byte("\r")), isCRLF
}

// count counts a line that is not empty, and notes how long the body will be. A
// mistake here only makes the start of the next request unknown: how long the body
// is, is the server's to decide.
func (c *headConn) count(line []byte) {
	c.lines++
	name, value, _ := bytes.Cut(line, []byte(":"))
	switch {
	case bytes.EqualFold(name, []byte("transfer-encoding")):
		c.left = -1
	case bytes.EqualFold(name, []byte("content-length")) && c.left >= 0:
		length, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
		if err != nil || length > maxLength {
			length = -1
		}
		c.left = length
	}
}

// end ends the head at a position of b. The body goes on at once; what is behind it
// waits.
func (c *headConn) end(b []byte, at int) int {
	c.inHead = false
	if c.left < 0 {
		return len(b)
	}
	whole := int64(at) + c.left
	if whole >= int64(len(b)) {
		c.left = whole - int64(len(b))
		return len(b)
	}
	c.left = 0
	c.giveBack(b[whole:])
	return int(whole)
}

// namesNoHost reports whether a line is a Host header without a value.
func (c *headConn) namesNoHost(line []byte) bool {
	const name = "host:"
	return c.lines > 0 && len(line) >= len(name) && line[0]|0x20 == 'h' &&
		bytes.EqualFold(line[:len(name)], []byte(name)) && len(bytes.Trim(line[len(name):], " \t")) == 0
}

// nameNoHost puts guard.NoHost in front of a position of b.
func (c *headConn) nameNoHost(b []byte, at int) int {
	c.giveBack(b[at:])
	c.ready = []byte(guard.NoHost)
	c.line, c.cr, c.ends = append(c.line[:0], "Host: "+guard.NoHost...), false, crlf
	return at
}

// rewrite makes lines that end in bare LF ready with CRLF.
func (c *headConn) rewrite(b []byte) {
	for more := true; more && c.inHead; {
		var part []byte
		part, b, more = bytes.Cut(b, []byte("\n"))
		c.line = append(c.line, part...)
		if more {
			c.rewriteLine(c.line)
			c.line, c.begun = c.line[:0], false
		} else if len(c.line) > longBareLine {
			c.ready = append(c.ready, c.line...)
			c.line, c.begun = c.line[:0], true
		}
	}
}

func (c *headConn) rewriteLine(line []byte) {
	isEmpty := len(line) == 0 && !c.begun
	switch {
	case bytes.HasSuffix(line, []byte("\r")):
		c.spoil(complaintMixed)
		return
	case isEmpty && c.lines > 0 && c.unfit:
		c.spoil(complaintBare)
		return
	case isEmpty && c.lines > 0:
		c.inHead, c.last, c.off = false, true, len(c.store)
	case c.namesNoHost(line):
		line = append(line, guard.NoHost...)
	}
	if !isEmpty {
		c.unfit = c.unfit || c.lines > 0 && mayAnnounceBody(line)
		c.lines++
	}
	c.ready = append(append(c.ready, line...), "\r\n"...)
}

// mayAnnounceBody reports whether a line of a head says that a body follows, or may
// say so to some reader.
func mayAnnounceBody(line []byte) bool {
	name, value, _ := bytes.Cut(line, []byte(":"))
	switch string(bytes.ToLower(bytes.TrimSpace(name))) {
	case "content-length":
		return string(bytes.TrimSpace(value)) != "0"
	case "transfer-encoding":
		return true
	}
	return len(line) > 0 && (line[0] == ' ' || line[0] == '\t') // continues the line before
}

// spoil makes the server below refuse the request, and read nothing more.
func (c *headConn) spoil(complaint string) {
	c.inHead, c.last, c.complaint = false, true, complaint
	c.ready, c.off = []byte(spoiled), len(c.store)
}
