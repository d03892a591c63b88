// A kept look in the words of `why`, with people's names. The daemon says it over its socket, `why` by itself when no daemon runs.
import type { PersonId } from './domain/gallery.js';
import type { FaceLook } from './service/control-protocol.js';
import type { KeptLook } from './store/look-store.js';

/** `names`: of everybody in the gallery, by id. */
export function explainLook(look: KeptLook, names: ReadonlyMap<PersonId, string>): FaceLook {
  const nameOf = (person: PersonId): string => names.get(person) ?? person;
  const near = (person: PersonId | null, similarity: number | null) =>
    person === null || similarity === null ? null : { name: nameOf(person), similarity };
  return {
    id: look.id,
    at: new Date(look.wallMs).toISOString(),
    track: look.track,
    ...look.quality,
    best: near(look.best, look.similarity),
    second: near(look.runnerUp, look.second),
    margin: look.margin,
    state: look.state,
    name: look.person === null ? null : nameOf(look.person),
    rule: look.rule,
  };
}
