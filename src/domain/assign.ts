// No two faces of one frame share a name: the closest keeps it, the others become ambiguous, never a second guess.
import type { Identification } from './identify.js';

/**
 * `identifications` of the faces of one frame, with each name kept by at most one of them. `claim` says how strong a
 * face's claim to its name is (default: its similarity); of equal claims the earlier face keeps the name.
 */
export function assignNames<T extends Identification>(
  identifications: readonly T[],
  claim: (identification: T, index: number) => number = (identification) => identification.similarity ?? 0,
): T[] {
  const keeper = new Map<string, number>();
  identifications.forEach((identification, index) => {
    if (identification.person === null) return;
    const other = keeper.get(identification.person);
    if (other === undefined || claim(identification, index) > claim(identifications[other]!, other)) {
      keeper.set(identification.person, index);
    }
  });
  return identifications.map((identification, index) => {
    if (identification.person === null || keeper.get(identification.person) === index) return identification;
    return {
      ...identification,
      person: null,
      state: 'ambiguous',
      rule: 'another face in the picture is closer to that name',
    };
  });
}
