package ui

// Client is who did something.
type Client struct {
	By   string // for people; empty: nobody had to say
	Via  string // how they came in, in a word or two; empty: that goes without saying
	From string // the address
}

// Known reports whether anything is known of the client.
func (c Client) Known() bool { return c.By != "" || c.From != "" }

// Name is who it was, by the address if need be.
func (c Client) Name() string {
	if c.By != "" {
		return c.By
	}
	return c.From
}

// String is all of it in one line.
func (c Client) String() string {
	text := c.By
	if c.By != "" && c.Via != "" {
		text += " (" + c.Via + ")"
	}
	switch {
	case c.From == "":
		return text
	case text == "":
		return c.From
	}
	return text + " from " + c.From
}
