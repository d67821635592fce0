-- Kannel's memory of the texts that wait for a report, for a modem (docs/modem.md). Kannel knows
-- a report by its reference alone, of which a SIM has 256, and takes any text that bears it. These
-- triggers leave it a text only while no other can be meant. Make it once, as the user of Kannel:
--   sqlite3 /var/spool/kannel/reports.db < kannel-modem.sql

PRAGMA journal_mode = WAL;

CREATE TABLE IF NOT EXISTS dlr ( -- the columns that Kannel fills, and the count of the SIM
  id INTEGER PRIMARY KEY,
  smsc TEXT NOT NULL, ts TEXT NOT NULL, source TEXT, destination TEXT, service TEXT, url TEXT,
  mask INTEGER, status INTEGER, boxc TEXT, count INTEGER
);
CREATE INDEX IF NOT EXISTS dlr_by_reference ON dlr (smsc, ts);

-- References in use: of texts without a report, for 48 hours, also when `dlr` has forgotten them.
CREATE TABLE IF NOT EXISTS in_use (
  smsc TEXT NOT NULL, ts TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (smsc, ts)
);

-- The last reference of each SIM, counted on past 255.
CREATE TABLE IF NOT EXISTS counter (smsc TEXT PRIMARY KEY, count INTEGER NOT NULL);

CREATE TRIGGER IF NOT EXISTS text_went_out AFTER INSERT ON dlr BEGIN
  DELETE FROM in_use WHERE since < strftime('%s', 'now') - 48 * 3600;
  -- A report in front of the acknowledgement makes Kannel count to 0, 1 or 2 instead of reading
  -- the reference. Out of turn these are not believed.
  UPDATE dlr SET mask = 0 WHERE id = NEW.id AND NEW.ts + 0 < 8 AND EXISTS (
    SELECT 1 FROM counter
    WHERE smsc = NEW.smsc AND count % 256 BETWEEN NEW.ts + 0 AND 191);
  INSERT INTO counter
    SELECT smsc, ts + 0 FROM dlr WHERE id = NEW.id AND mask > 0
    ON CONFLICT (smsc) DO UPDATE
      SET count = count + (excluded.count - count % 256 + 256) % 256;
  UPDATE dlr SET count = (SELECT count FROM counter WHERE smsc = NEW.smsc) WHERE id = NEW.id;
  -- Three quarters of a round later a report may be about the next text with the reference.
  UPDATE dlr SET mask = 0 WHERE smsc = NEW.smsc
    AND count < (SELECT count FROM counter WHERE smsc = NEW.smsc) - 191;
  UPDATE dlr SET mask = 0 WHERE smsc = NEW.smsc AND ts = NEW.ts
    AND EXISTS (SELECT 1 FROM in_use WHERE smsc = NEW.smsc AND ts = NEW.ts);
  INSERT OR IGNORE INTO in_use -- the reference itself, or the next one where it is not believed
    SELECT NEW.smsc, iif(NEW.ts + 0 = count % 256, NEW.ts, (count + 1) % 256), strftime('%s', 'now')
    FROM counter WHERE smsc = NEW.smsc;
  DELETE FROM dlr WHERE smsc = NEW.smsc AND mask = 0;
END;

-- Kannel takes a text out when its report has come: only then its reference is free at once.
CREATE TRIGGER IF NOT EXISTS report_came AFTER DELETE ON dlr WHEN OLD.mask > 0 BEGIN
  DELETE FROM in_use WHERE smsc = OLD.smsc AND ts = OLD.ts;
END;
