package handlertest

import "time"

// What clients of the JSON API read.
type (
	// Grouping is a grouping of the list.
	Grouping struct {
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
		Notices            []Notice          `json:"notices"`
	}
	// Notice is something odd about a grouping.
	Notice struct {
		Kind   string `json:"kind"`
		Family string `json:"family"`
		Count  int    `json:"count"`
	}
	// Entry is an entry of the activity log.
	Entry struct {
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
	// TokenEntry is an API token of the list.
	TokenEntry struct {
		ID           string        `json:"id"`
		Name         string        `json:"name"`
		Role         string        `json:"role"`
		Limit        string        `json:"limit"`
		Created      time.Time     `json:"created"`
		CreatedBy    string        `json:"created_by"`
		Unsigned     bool          `json:"made_without_sign_in"`
		Expires      *time.Time    `json:"expires"`
		Expired      bool          `json:"expired"`
		LastUsed     *time.Time    `json:"last_used"`
		LastUsedFrom string        `json:"last_used_from"`
		Hint         string        `json:"hint"`
		Secrets      []SecretEntry `json:"secrets"`
	}
	// SecretEntry is a secret of a token, without the secret.
	SecretEntry struct {
		Hint    string     `json:"hint"`
		Expires *time.Time `json:"expires"`
	}
)

// Target is a target as Prometheus reads it.
type Target struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}
