package commit

// LimitError is that of an operation: it says that the store holds as much as it may. Its text is made for
// the client.
type LimitError struct{ Message string }

func (e *LimitError) Error() string { return e.Message }
