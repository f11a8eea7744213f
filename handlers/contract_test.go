package handlers

import (
	"time"
)

// The bounds that the documentation promises, or that keep pages small.
const (
	maxStreamsOfClient = 64
	maxActor           = 256
	maxOperation       = 64
	entriesPerPage     = 50
	maxLinkedIDs       = 1_000
	maxBulkFormBytes   = 256 << 10
	maxUntyped         = 20
	maxLabelRows       = 64
	maxDocQuery        = 200
	maxHost            = 259
	maxRaw             = 64 << 10
	maxMatchers        = 32
	maxChips           = 12
	maxSuggestions     = 50
	maxStateLinked     = 64
	maxNamed           = 50
)

// activityHead is the first line of the activity log as CSV.
var activityHead = []string{"operation", "time", "kind", "by", "from", "via", "id", "what", "count", "undoes", "reason", "message"}

// What clients of the JSON API read.
type (
	groupingJSON struct {
		Labels             map[string]string `json:"labels"`
		Path               string            `json:"path"`
		LastPushTime       *time.Time        `json:"last_push_time"`
		LastPushSuccessful bool              `json:"last_push_successful"`
		LastPushBy         string            `json:"last_push_by"`
		LastPushVia        string            `json:"last_push_via"`
		LastPushFrom       string            `json:"last_push_from"`
		LastFailureTime    *time.Time        `json:"last_failure_time"`
		LastFailure        string            `json:"last_failure,omitempty"`
		State              string            `json:"state"`
		Families           int               `json:"families"`
		Series             int               `json:"series"`
		Bytes              int               `json:"bytes"`
		ExpiresAt          *time.Time        `json:"expires_at"`
		Notices            []noticeJSON      `json:"notices"`
	}
	noticeJSON struct {
		Kind   string `json:"kind"`
		Family string `json:"family"`
		Count  int    `json:"count"`
	}
	entryJSON struct {
		Operation string    `json:"operation"`
		Time      time.Time `json:"time"`
		Kind      string    `json:"kind"`
		By        string    `json:"by"`
		From      string    `json:"from"`
		Via       string    `json:"via"`
		ID        string    `json:"id"`
		What      string    `json:"what"`
		Count     int       `json:"count"`
		Undoes    string    `json:"undoes,omitempty"`
		Reason    string    `json:"reason,omitempty"`
		Message   string    `json:"message,omitempty"`
	}
	tokenJSON struct {
		ID           string       `json:"id"`
		Name         string       `json:"name"`
		Role         string       `json:"role"`
		Limit        string       `json:"limit"`
		Created      time.Time    `json:"created"`
		CreatedBy    string       `json:"created_by"`
		Unsigned     bool         `json:"made_without_sign_in"`
		Expires      *time.Time   `json:"expires"`
		Expired      bool         `json:"expired"`
		LastUsed     *time.Time   `json:"last_used"`
		LastUsedFrom string       `json:"last_used_from"`
		Hint         string       `json:"hint"`
		Secrets      []secretJSON `json:"secrets"`
	}
	secretJSON struct {
		Hint    string     `json:"hint"`
		Expires *time.Time `json:"expires"`
	}
)
