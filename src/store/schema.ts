// The migrations from an empty file to the present tables. Step n raises user_version from n to n + 1. A released step never changes;
// every further change is a new step. After any step the roster (roster.ts) is written anew, because it covers whole rows.

/** SQL per step. Times are milliseconds since the Unix epoch; `sealed` and `wrapped_key` are described in seal.ts and keyring.ts. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value ANY NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('gallery_version', 1);

  CREATE TABLE person (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- What two spellings of one name share; one person per name.
    folded_name TEXT NOT NULL UNIQUE,
    wrapped_key BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE template (
    -- AUTOINCREMENT: the number of an erased template is never given to another.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    person TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    space TEXT NOT NULL,
    -- Keyed hash of the photo's bytes under the person's key: finds a photo again, tells nobody which one.
    source BLOB NOT NULL,
    quality TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    UNIQUE (person, space, source)
  ) STRICT;

  CREATE TABLE stranger (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    space TEXT NOT NULL,
    source BLOB NOT NULL,
    sealed BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    UNIQUE (space, source)
  ) STRICT;

  CREATE TABLE setting (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- NULL: in use. A photo that is disabled names nobody and can be enabled again.
  ALTER TABLE template ADD COLUMN set_aside_at_ms INTEGER;

  CREATE TABLE correction (
    -- AUTOINCREMENT: the number of an undone correction is never given to another.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    person TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    space TEXT NOT NULL,
    -- Keyed hash of the observation, as of a photo.
    source BLOB NOT NULL,
    -- Either a face that is not this person, or the template that an observation of this person became.
    sealed BLOB,
    template INTEGER UNIQUE REFERENCES template (id) ON DELETE CASCADE,
    created_at_ms INTEGER NOT NULL,
    CHECK ((sealed IS NULL) <> (template IS NULL)),
    UNIQUE (person, space, source)
  ) STRICT;
  `,
  `
  -- Which version of each person this room knows. Whoever was forgotten stays as a hash, so that no old message brings them back.
  CREATE TABLE shared (
    -- Hash of the household's key and id: another household is another list.
    household BLOB NOT NULL,
    -- Keyed hash of the person's id.
    key TEXT NOT NULL,
    life INTEGER NOT NULL,
    forgotten INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    room TEXT NOT NULL,
    -- Keyed hash of what the version says; empty where it says that the person is forgotten.
    digest TEXT NOT NULL,
    PRIMARY KEY (household, key)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The sealed list of what the gallery holds (roster.ts); this value until it is first written.
  INSERT OR REPLACE INTO meta VALUES ('roster', 'unwritten');
  `,
  `
  -- The name of the photo's file, sealed under the person's key; NULL where it is not known (older photos, the camera).
  ALTER TABLE template ADD COLUMN sealed_file BLOB;
  `,
];
