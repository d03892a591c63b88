// The sealed list of what the gallery holds: each person with a digest of everything that belongs to them. Without it a damaged or
// edited file could lose a template, a name or a person, and nobody would notice. The seal is made with a key from the key file.
// docs/adr/0022-roster-and-snapshots.md has the reasons.
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { parseJson } from '../base/json.js';
import type { SqlDatabase } from './database.js';
import type { Keyring } from './keyring.js';
import { seal, unseal } from './seal.js';

const schema = z.object({
  people: z.array(z.object({ id: z.string(), name: z.string(), digest: z.string() })),
  /** Digest of the faces of people outside the household. */
  cohort: z.string(),
  /** Digest of what this room knows about the people of the other rooms, and who was forgotten. */
  shared: z.string(),
});
type Content = z.output<typeof schema>;

/** How the rows differ from the roster. */
export interface Damage {
  /** The roster itself does not open. Nothing can be compared then. */
  readonly roster: boolean;
  /** Names by id, as they were enrolled. */
  readonly altered: ReadonlyMap<string, string>;
  readonly missing: ReadonlyMap<string, string>;
  /** Ids of people whom roomkin did not enrol. */
  readonly added: readonly string[];
  readonly cohort: boolean;
  readonly shared: boolean;
}

export interface Roster {
  /** Compares all rows with the roster. Call it inside a transaction. 5 ms for 12 people with 40 templates each. */
  compare(): Damage;
  /**
   * Writes the roster of the present rows, unless nothing differs. What `before`, the comparison at the start of the same transaction,
   * found altered or missing stays so, except for people who were removed or enrolled again. Returns whether a person was removed
   * or renamed.
   */
  write(before: Damage): boolean;
}

const place = ['roster', '1'];
const unwritten = 'unwritten';
const undamaged = { roster: false, altered: new Map(), missing: new Map(), added: [], cohort: false, shared: false };

/** A row as SQLite returns it: a damaged column may have any type. */
type Row = readonly unknown[];

export function createRoster(database: SqlDatabase, keys: Keyring): Roster {
  const rows = (table: string) => {
    const statement = database.prepare<[], Row>(`SELECT * FROM ${table}`).raw();
    return (): readonly Row[] => statement.all();
  };
  const [people, templates, corrections] = [rows('person'), rows('template'), rows('correction')];
  const [cohort, shared, meta] = [rows('stranger'), rows('shared'), rows("meta WHERE key = 'cohort_key'")];
  const stored = database.prepare<[], unknown>("SELECT value FROM meta WHERE key = 'roster'").pluck();
  const store = database.prepare<[Buffer], void>("INSERT OR REPLACE INTO meta VALUES ('roster', ?)");
  const digestKey = keys.derive('gallery digest');
  const sealKey = keys.derive('roster');

  const digest = (lines: readonly Row[]): string =>
    createHmac('sha256', digestKey).update(JSON.stringify(lines)).digest('base64url');
  const comparable = (row: Row): Row =>
    row.map((value) => (Buffer.isBuffer(value) ? ['bytes', value.toString('base64')] : value));

  function present(): Content {
    const owned = new Map<unknown, Row[]>();
    for (const row of [...templates(), ...corrections()]) {
      const list = owned.get(row[1]);
      if (list === undefined) owned.set(row[1], [comparable(row)]);
      else list.push(comparable(row));
    }
    return {
      people: people().map((row) => ({
        id: String(row[0]),
        name: String(row[1]),
        digest: digest([comparable(row), ...(owned.get(row[0]) ?? [])]),
      })),
      cohort: digest([...meta(), ...cohort()].map(comparable)),
      shared: digest(shared().map(comparable)),
    };
  }

  /** null where there is none yet; `damaged` where it does not open. */
  function open(): Content | 'damaged' | null {
    const value = stored.get();
    if (value === unwritten) return null;
    const bytes = Buffer.isBuffer(value) ? unseal(sealKey, value, place) : null;
    return (bytes && parseJson(bytes.toString('utf8'), schema)) ?? 'damaged';
  }

  return {
    compare() {
      const roster = open();
      if (roster === null) return undamaged;
      if (roster === 'damaged') return { ...undamaged, roster: true };
      const now = present();
      const digests = new Map(now.people.map((person) => [person.id, person.digest]));
      const listed = new Set(roster.people.map(({ id }) => id));
      const named = (list: Content['people']) => new Map(list.map(({ id, name }) => [id, name]));
      return {
        roster: false,
        altered: named(roster.people.filter(({ id, digest }) => digests.has(id) && digests.get(id) !== digest)),
        missing: named(roster.people.filter(({ id }) => !digests.has(id))),
        added: now.people.filter(({ id }) => !listed.has(id)).map(({ id }) => id),
        cohort: now.cohort !== roster.cohort,
        shared: now.shared !== roster.shared,
      };
    },
    write(before) {
      const old = open();
      const known = old === null || old === 'damaged' ? [] : old.people;
      const now = present();
      const ids = new Set(now.people.map(({ id }) => id));
      const next: Content = {
        ...now,
        people: [
          ...now.people.flatMap((person) => {
            if (before.added.includes(person.id)) return [];
            return [known.find(({ id }) => id === person.id && before.altered.has(id)) ?? person];
          }),
          ...known.filter(({ id }) => !ids.has(id) && before.missing.has(id)),
        ],
      };
      const text = JSON.stringify(next);
      if (typeof old === 'object' && old !== null && JSON.stringify(old) === text) return false;
      store.run(seal(sealKey, Buffer.from(text, 'utf8'), place));
      const names = new Map(next.people.map(({ id, name }) => [id, name]));
      return known.some(({ id, name }) => names.get(id) !== name);
    },
  };
}

/** One sentence for each part of `damage`, with what to do. Empty where nothing is damaged. */
export function damageSentences(damage: Damage, path: string): readonly string[] {
  const again = (name: string) => `\`roomkin forget "${name}"\`, then enrol again`;
  return [
    ...(damage.roster
      ? [`the list of people in ${path} is damaged: compare \`roomkin people\` with who should be enrolled`]
      : []),
    ...[...damage.altered.values()].map(
      (name) => `what is stored about ${name} in ${path} was altered (damaged or edited): ${again(name)}`,
    ),
    ...[...damage.missing.values()].map((name) => `${name} is missing in ${path} (damaged or edited): ${again(name)}`),
    ...damage.added.map((id) => `${path} holds a person "${id}" whom roomkin did not enrol: ${again(id)}`),
    ...(damage.cohort ? [`the faces of people outside the household in ${path} were altered (damaged or edited)`] : []),
    ...(damage.shared
      ? [`what ${path} holds about the other rooms was altered: forget again who was forgotten in another room`]
      : []),
  ];
}
