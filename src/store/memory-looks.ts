// The looks where none may be written, or none can: the newest few, until the daemon stops.
import type { PersonId } from '../domain/gallery.js';
import { isAbout } from '../domain/look.js';
import type { KeptLook, LookStore } from './look-store.js';

/** As many as `why` shows. */
const most = 200;

/** A LookStore in memory; ids begin above `afterId`. */
export function createMemoryLooks(afterId = 0): LookStore {
  let looks: KeptLook[] = [];
  let lastId = afterId;
  const clear = (): void => {
    looks = [];
  };
  const sorted = (): KeptLook[] => looks.toSorted((a, b) => a.wallMs - b.wallMs || a.id - b.id);
  return {
    append(fresh) {
      const kept = fresh.map((look) => ({ ...look, id: ++lastId }));
      looks = [...looks, ...kept].slice(-most);
      return kept.map(({ id }) => id);
    },
    recent: (last) => sorted().slice(-last),
    since: (wallMs) => sorted().filter((look) => look.wallMs >= wallMs),
    find: (id) => looks.find((look) => look.id === id) ?? null,
    forget(person: PersonId) {
      looks = looks.filter((look) => !isAbout(look, person));
    },
    prune(olderThanMs) {
      looks = looks.filter((look) => look.wallMs >= olderThanMs);
    },
    close: clear,
    [Symbol.dispose]: clear,
  };
}
