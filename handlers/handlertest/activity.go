package handlertest

import "encoding/json"

// Entries returns the entries of the activity log that the API has for a query, newest
// first, and the cursor of the next page.
func (s *Server) Entries(query string, who ...string) (entries []Entry, next string) {
	s.T.Helper()
	a := s.Get(s.Prefix+"/api/v1/activity?"+query, who...)
	var got struct {
		Status string
		Data   struct {
			Entries []Entry
			Next    string
		}
	}
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != 200 || got.Status != "success" || got.Data.Entries == nil {
		s.T.Fatalf("%v: %v", a, err)
	}
	return got.Data.Entries, got.Data.Next
}
