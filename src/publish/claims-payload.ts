// `household/<id>/people/<room>`: a room's claims as text and back. What comes in was written by whoever may write there, so it is
// taken whole or not at all, and only within bounds.
import { type Claim, grades, type RoomClaims } from '../domain/claims.js';
import { isId } from './topics.js';

const maxBytes = 16 * 1024;
const mostPeople = 64;
const mostRooms = 32;
const mostAgeMs = 7 * 86_400_000;

/** The payload; docs/mqtt.md describes its keys. */
export function claimsBody({ version, heard, people }: RoomClaims): Readonly<Record<string, unknown>> {
  return {
    version,
    heard: Object.fromEntries(heard),
    people: [...people].slice(0, mostPeople).map(([person, { as, says, confidence, turn, ageMs }]) => ({
      person,
      as,
      says,
      confidence,
      turn,
      age_ms: Math.round(Math.min(ageMs, mostAgeMs)),
    })),
  };
}

/** The claims in a payload; null where it holds none. */
export function parseClaims(payload: Buffer): RoomClaims | null {
  if (payload.length > maxBytes) return null;
  let body: unknown;
  try {
    body = JSON.parse(payload.toString('utf8'));
  } catch {
    return null;
  }
  if (!isRecord(body) || !isCount(body['version']) || !isRecord(body['heard']) || !Array.isArray(body['people'])) {
    return null;
  }
  const heard = new Map<string, number>();
  for (const [room, version] of Object.entries(body['heard'])) {
    if (!isId(room) || !isCount(version)) return null;
    heard.set(room, version);
  }
  const people = new Map<string, Claim>();
  for (const entry of body['people'] as unknown[]) {
    const claim = isRecord(entry) ? parseClaim(entry) : null;
    if (claim === null) return null;
    people.set(...claim);
  }
  if (heard.size > mostRooms || people.size > mostPeople) return null;
  return { version: body['version'], heard, people };
}

function parseClaim(entry: Readonly<Record<string, unknown>>): [person: string, claim: Claim] | null {
  const { person, says, confidence, turn, age_ms: ageMs } = entry;
  const as = grades.find((grade) => grade === entry['as']);
  if (typeof person !== 'string' || !isId(person) || as === undefined || typeof says !== 'boolean') return null;
  if (confidence !== 'high' && confidence !== 'medium') return null;
  if (!isCount(turn) || typeof ageMs !== 'number' || !(ageMs >= 0 && ageMs <= mostAgeMs)) return null;
  return [person, { as, says, confidence, turn, ageMs }];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A whole number that can be counted on for ever. */
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 48;
}
