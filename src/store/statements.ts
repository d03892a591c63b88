// All SQL statements of the gallery, prepared once and typed by their rows.
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
  /** Wall time when it was disabled; null while it is in use. */
  readonly setAsideAtMs: number | null;
  /** The name of the photo's file (seal.ts); null where it is not known. */
  readonly sealedFile: Buffer | null;
  /** Id of the correction that made an observation this template; null for a photo. */
  readonly correction: number | null;
}

export type CohortRow = Pick<TemplateRow, 'id' | 'space' | 'source' | 'sealed' | 'createdAtMs'>;

/** Exactly one of `sealed` (a negative template) and `template` (the id of a template) is set. */
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
  const prepared = <P extends unknown[], R>(sql: string): Statement<P, R> => database.prepare<P, R>(sql);
  const templates = `SELECT id, person, space, source, quality, sealed, created_at_ms AS createdAtMs,
      set_aside_at_ms AS setAsideAtMs, sealed_file AS sealedFile,
      (SELECT correction.id FROM correction WHERE correction.template = template.id) AS correction
    FROM template`;
  const corrections = `SELECT id, person, space, source, sealed, template, created_at_ms AS createdAtMs FROM correction`;
  return {
    dataVersion: prepared<[], number>('PRAGMA data_version').pluck(),
    meta: prepared<[string], unknown>('SELECT value FROM meta WHERE key = ?').pluck(),
    setMetaOnce: prepared<[string, Buffer], void>('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING'),
    bumpVersion: prepared<[], void>("UPDATE meta SET value = value + 1 WHERE key = 'gallery_version'"),

    people: prepared<[], PersonRow>(
      `SELECT id, name, folded_name AS foldedName, wrapped_key AS wrappedKey, created_at_ms AS createdAtMs
       FROM person ORDER BY created_at_ms, id`,
    ),
    addPerson: prepared<[string, string, string, Buffer, number], void>('INSERT INTO person VALUES (?, ?, ?, ?, ?)'),
    renamePerson: prepared<[string, string, string], void>('UPDATE person SET name = ?, folded_name = ? WHERE id = ?'),
    removePerson: prepared<[string], void>('DELETE FROM person WHERE id = ?'),

    templates: prepared<[], TemplateRow>(`${templates} ORDER BY id`),
    templatesInUse: prepared<[string], TemplateRow>(
      `${templates} WHERE space = ? AND set_aside_at_ms IS NULL ORDER BY id`,
    ),
    templatesOfPerson: prepared<[string], TemplateRow>(`${templates} WHERE person = ? ORDER BY id`),
    addTemplate: prepared<[string, string, Buffer, string, Buffer, number, number | null, Buffer | null], void>(
      `INSERT INTO template (person, space, source, quality, sealed, created_at_ms, set_aside_at_ms, sealed_file)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (person, space, source) DO UPDATE SET set_aside_at_ms = NULL WHERE set_aside_at_ms IS NOT NULL`,
    ),
    setTemplateDisabled: prepared<[number | null, number], void>(
      'UPDATE template SET set_aside_at_ms = ? WHERE id = ?',
    ),
    nameFile: prepared<[Buffer, string, string, Buffer], void>(
      'UPDATE template SET sealed_file = ? WHERE person = ? AND space = ? AND source = ? AND sealed_file IS NULL',
    ),
    removeTemplate: prepared<[number], void>('DELETE FROM template WHERE id = ?'),

    corrections: prepared<[], CorrectionRow>(`${corrections} ORDER BY id`),
    negativeTemplatesOfSpace: prepared<[string], CorrectionRow & { readonly sealed: Buffer }>(
      `${corrections} WHERE space = ? AND sealed IS NOT NULL ORDER BY id`,
    ),
    addCorrection: prepared<[string, string, Buffer, Buffer | null, number | bigint | null, number], void>(
      `INSERT INTO correction (person, space, source, sealed, template, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)`,
    ),
    removeCorrection: prepared<[number], void>('DELETE FROM correction WHERE id = ?'),

    cohort: prepared<[], CohortRow>(
      'SELECT id, space, source, sealed, created_at_ms AS createdAtMs FROM stranger ORDER BY id',
    ),
    addToCohort: prepared<[string, Buffer, Buffer, number], void>(
      'INSERT INTO stranger (space, source, sealed, created_at_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),

    shared: prepared<[Buffer], SharedRow>(
      'SELECT key, life, forgotten, counter, room, digest FROM shared WHERE household = ? ORDER BY key',
    ),
    putShared: prepared<[Buffer, string, number, number, number, string, string], void>(
      'INSERT OR REPLACE INTO shared VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    dropLivingShared: prepared<[Buffer], void>('DELETE FROM shared WHERE household = ? AND forgotten = 0'),
    dropOtherShared: prepared<[Buffer], void>('DELETE FROM shared WHERE household <> ?'),

    setting: prepared<[string], string>('SELECT value FROM setting WHERE key = ?').pluck(),
    setSetting: prepared<[string, string], void>(
      'INSERT INTO setting VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    ),
    removeSetting: prepared<[string], void>('DELETE FROM setting WHERE key = ?'),
  };
}
