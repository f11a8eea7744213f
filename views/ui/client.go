package ui

// Client is the author of a change.
type Client struct {
	By   string // for people; empty: no credential was required
	Via  string // how they came in, in a word or two; empty: that goes without saying
	From string // the address
}

// Known reports whether anything is known of the client.
func (c Client) Known() bool { return c.By != "" || c.From != "" }

// Name returns the name, or else the address.
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
