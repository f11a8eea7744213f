package harness

import (
	"context"
	"testing"
	"time"
)

// Patience bounds every wait. It is for a machine that is busy with other
// things; what is waited for comes in milliseconds or seconds.
const Patience = time.Minute

// Until waits for a condition. It says why the condition does not hold yet, or
// "" when it does.
func Until(t *testing.T, what string, condition func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	for again := time.Tick(5 * time.Millisecond); ; {
		why := condition()
		if why == "" {
			return
		}
		select {
		case <-again:
		case <-ctx.Done():
			t.Fatalf("waited %v for %s: %s", Patience, what, why)
		}
	}
}
