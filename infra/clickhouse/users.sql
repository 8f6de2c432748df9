-- Who may do what. Applied by `npm run migrate -- --users`, as often as one likes: WITH REPLACE OPTION makes a role's
-- rights these and no others, in one step. A user `…_writer` and so on is made for every role whose password is given.

-- Migrations, deletion on request, rebuilding: everything within the database, nothing outside it.
CREATE ROLE IF NOT EXISTS {owner_role} {on_cluster};
GRANT {on_cluster} SHOW, SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW,
  TRUNCATE, OPTIMIZE ON {database}.*, TABLE ENGINE ON *, CLUSTER ON *.*,
  SELECT ON system.parts, SELECT ON system.mutations, SELECT ON system.replicas
  TO {owner_role} WITH REPLACE OPTION;

-- The clickhouse-writer: adds rows and reads them; changes and removes none. It reads what the roll-ups are fed from
-- and writes what they feed, since a view works with the rights of whoever inserts.
CREATE ROLE IF NOT EXISTS {writer_role} {on_cluster};
GRANT {on_cluster} SELECT, INSERT ON {database}.* TO {writer_role} WITH REPLACE OPTION;

-- The other services, which only tell the ledger what passed them.
CREATE ROLE IF NOT EXISTS {ledger_role} {on_cluster};
GRANT {on_cluster} INSERT ON {database}.ledger_entries, INSERT ON {database}.ledger_marks,
  INSERT ON {database}.ledger_census, INSERT ON {database}.ledger_sales, SELECT ON {database}.ledger_questions,
  SELECT ON {database}.ledger_orders
  TO {ledger_role} WITH REPLACE OPTION;

-- Dashboards and people.
CREATE ROLE IF NOT EXISTS {reader_role} {on_cluster};
GRANT {on_cluster} SELECT ON {database}.* TO {reader_role} WITH REPLACE OPTION;
