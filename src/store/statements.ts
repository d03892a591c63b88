// Every SQL statement of the gallery, prepared once and typed by its row.
import type { Database, Statement } from 'better-sqlite3';

export interface PersonRow {
  readonly id: string;
  readonly name: string;
  readonly foldedName: string;
  readonly wrappedKey: Buffer;
  readonly createdAtMs: number;
}

export interface TemplateRow {
  readonly id: number;
  readonly person: string;
  readonly space: string;
  readonly source: Buffer;
  /** JSON of a Quality. */
  readonly quality: string;
  readonly sealed: Buffer;
  readonly createdAtMs: number;
  /** null: in use. */
  readonly setAsideAtMs: number | null;
  /** Number of the correction by which an observation became this template; null for a photo. */
  readonly correction: number | null;
}

export type CohortRow = Pick<TemplateRow, 'id' | 'space' | 'source' | 'sealed' | 'createdAtMs'>;

/** Exactly one of `sealed` (not this person) and `template` (this person) is set. */
export interface CorrectionRow {
  readonly id: number;
  readonly person: string;
  readonly space: string;
  readonly source: Buffer;
  readonly sealed: Buffer | null;
  readonly template: number | null;
  readonly createdAtMs: number;
}

export interface SharedRow {
  readonly key: string;
  readonly life: number;
  readonly forgotten: number;
  readonly counter: number;
  readonly room: string;
  readonly digest: string;
}

export type Statements = ReturnType<typeof createStatements>;

export function createStatements(database: Database) {
  const one = <P extends unknown[], R>(sql: string): Statement<P, R> => database.prepare<P, R>(sql);
  const templates = `SELECT id, person, space, source, quality, sealed, created_at_ms AS createdAtMs,
      set_aside_at_ms AS setAsideAtMs,
      (SELECT correction.id FROM correction WHERE correction.template = template.id) AS correction
    FROM template`;
  const corrections = `SELECT id, person, space, source, sealed, template, created_at_ms AS createdAtMs FROM correction`;
  return {
    dataVersion: one<[], number>('PRAGMA data_version').pluck(),
    meta: one<[string], unknown>('SELECT value FROM meta WHERE key = ?').pluck(),
    setMetaOnce: one<[string, Buffer], void>('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING'),
    bumpVersion: one<[], void>("UPDATE meta SET value = value + 1 WHERE key = 'gallery_version'"),

    people: one<[], PersonRow>(
      `SELECT id, name, folded_name AS foldedName, wrapped_key AS wrappedKey, created_at_ms AS createdAtMs
       FROM person ORDER BY created_at_ms, id`,
    ),
    addPerson: one<[string, string, string, Buffer, number], void>('INSERT INTO person VALUES (?, ?, ?, ?, ?)'),
    renamePerson: one<[string, string, string], void>('UPDATE person SET name = ?, folded_name = ? WHERE id = ?'),
    removePerson: one<[string], void>('DELETE FROM person WHERE id = ?'),

    templates: one<[], TemplateRow>(`${templates} ORDER BY id`),
    templatesInUse: one<[string], TemplateRow>(`${templates} WHERE space = ? AND set_aside_at_ms IS NULL ORDER BY id`),
    templatesOfPerson: one<[string], TemplateRow>(`${templates} WHERE person = ? ORDER BY id`),
    addTemplate: one<[string, string, Buffer, string, Buffer, number, number | null], void>(
      `INSERT INTO template (person, space, source, quality, sealed, created_at_ms, set_aside_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (person, space, source) DO UPDATE SET set_aside_at_ms = NULL WHERE set_aside_at_ms IS NOT NULL`,
    ),
    setTemplateAside: one<[number | null, number], void>('UPDATE template SET set_aside_at_ms = ? WHERE id = ?'),
    removeTemplate: one<[number], void>('DELETE FROM template WHERE id = ?'),

    corrections: one<[], CorrectionRow>(`${corrections} ORDER BY id`),
    rejectionsOfSpace: one<[string], CorrectionRow & { readonly sealed: Buffer }>(
      `${corrections} WHERE space = ? AND sealed IS NOT NULL ORDER BY id`,
    ),
    addCorrection: one<[string, string, Buffer, Buffer | null, number | bigint | null, number], void>(
      `INSERT INTO correction (person, space, source, sealed, template, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)`,
    ),
    removeCorrection: one<[number], void>('DELETE FROM correction WHERE id = ?'),

    strangers: one<[], CohortRow>(
      'SELECT id, space, source, sealed, created_at_ms AS createdAtMs FROM stranger ORDER BY id',
    ),
    addStranger: one<[string, Buffer, Buffer, number], void>(
      'INSERT INTO stranger (space, source, sealed, created_at_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),

    shared: one<[Buffer], SharedRow>(
      'SELECT key, life, forgotten, counter, room, digest FROM shared WHERE household = ? ORDER BY key',
    ),
    putShared: one<[Buffer, string, number, number, number, string, string], void>(
      'INSERT OR REPLACE INTO shared VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    dropOtherShared: one<[Buffer], void>('DELETE FROM shared WHERE household <> ?'),

    setting: one<[string], string>('SELECT value FROM setting WHERE key = ?').pluck(),
    setSetting: one<[string, string], void>(
      'INSERT INTO setting VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    ),
    removeSetting: one<[string], void>('DELETE FROM setting WHERE key = ?'),
  };
}
