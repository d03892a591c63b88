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
}

export type StrangerRow = Omit<TemplateRow, 'person' | 'quality'>;

export type Statements = ReturnType<typeof createStatements>;

export function createStatements(database: Database) {
  const one = <P extends unknown[], R>(sql: string): Statement<P, R> => database.prepare<P, R>(sql);
  const columns = 'id, person, space, source, quality, sealed, created_at_ms AS createdAtMs';
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

    templates: one<[], TemplateRow>(`SELECT ${columns} FROM template ORDER BY id`),
    templatesOfSpace: one<[string], TemplateRow>(`SELECT ${columns} FROM template WHERE space = ? ORDER BY id`),
    templatesOfPerson: one<[string], TemplateRow>(`SELECT ${columns} FROM template WHERE person = ? ORDER BY id`),
    addTemplate: one<[string, string, Buffer, string, Buffer, number], void>(
      `INSERT INTO template (person, space, source, quality, sealed, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    ),
    removeTemplate: one<[number], void>('DELETE FROM template WHERE id = ?'),

    strangers: one<[], StrangerRow>(
      'SELECT id, space, source, sealed, created_at_ms AS createdAtMs FROM stranger ORDER BY id',
    ),
    addStranger: one<[string, Buffer, Buffer, number], void>(
      'INSERT INTO stranger (space, source, sealed, created_at_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),

    setting: one<[string], string>('SELECT value FROM setting WHERE key = ?').pluck(),
    setSetting: one<[string, string], void>(
      'INSERT INTO setting VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    ),
    removeSetting: one<[string], void>('DELETE FROM setting WHERE key = ?'),
  };
}
