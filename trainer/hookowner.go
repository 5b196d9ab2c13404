package trainer

import (
	"fmt"
	"reflect"
	"sync"
	"weak"
)

// owners has the session that each hook was handed to last. What a hook remembers
// is of one run: with two sessions at a time it would mix them up.
var owners struct {
	sync.Mutex
	of map[Hook]weak.Pointer[Session]
}

// takeHooks makes e the owner of its hooks.
func (e *Session) takeHooks() {
	owners.Lock()
	defer owners.Unlock()
	if owners.of == nil {
		owners.of = make(map[Hook]weak.Pointer[Session])
	}
	for _, h := range e.hooks {
		if remembers(h) {
			owners.of[h] = weak.Make(e)
		}
	}
}

// checkHooks returns an error if a hook was handed to another session since.
func (e *Session) checkHooks() error {
	owners.Lock()
	defer owners.Unlock()
	for _, h := range e.hooks {
		if remembers(h) && owners.of[h] != weak.Make(e) {
			return fmt.Errorf("trainer: hook %s was handed to another session or trainer after this one; give each run hooks of its own, or create the second when the first has ended", h.Name())
		}
	}
	return nil
}

// leaveHooks ends the ownership of a session that has ended.
func (e *Session) leaveHooks() {
	owners.Lock()
	defer owners.Unlock()
	for _, h := range e.hooks {
		if remembers(h) && owners.of[h] == weak.Make(e) {
			delete(owners.of, h)
		}
	}
}

// remembers reports whether a hook is a Resetter that can be told from others.
func remembers(h Hook) bool {
	_, ok := h.(Resetter)
	return ok && reflect.ValueOf(h).Kind() == reflect.Pointer
}
