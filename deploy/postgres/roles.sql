-- Two roles for the database of Affectline: the owner makes and changes tables, the application only uses them. The application
-- may add to the access log and read it; it can neither change nor remove an entry, nor drop the triggers that refuse it.
-- Run it as a superuser in the database of Affectline, before the first migration and after each. It changes nothing twice:
--   sudo -u postgres psql --dbname affectline --set ON_ERROR_STOP=1 --single-transaction --file deploy/postgres/roles.sql
-- Then give both a password: \password affectline_owner, \password affectline_app (docs/operators.md, "Roles of the database").

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'affectline_owner') THEN
        CREATE ROLE affectline_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'affectline_app') THEN
        CREATE ROLE affectline_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
END $$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO affectline_owner;
GRANT USAGE ON SCHEMA public TO affectline_app;

-- What another role made before, for example the one role of an older installation. A sequence follows its table.
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT format('ALTER TABLE %s OWNER TO affectline_owner', oid::regclass)
        FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relowner <> 'affectline_owner'::regrole
        UNION ALL
        SELECT format('ALTER FUNCTION %s OWNER TO affectline_owner', oid::regprocedure)
        FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proowner <> 'affectline_owner'::regrole AND prokind = 'f'
    LOOP
        EXECUTE statement;
    END LOOP;
END $$;

-- Tables of today, and those of later migrations.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO affectline_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO affectline_app;
ALTER DEFAULT PRIVILEGES FOR ROLE affectline_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO affectline_app;
ALTER DEFAULT PRIVILEGES FOR ROLE affectline_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO affectline_app;

-- The access log: added to and read, nothing else. And no migration is faked.
DO $$
BEGIN
    IF to_regclass('public.patients_accesslog') IS NOT NULL THEN
        REVOKE ALL ON patients_accesslog FROM affectline_app;
        GRANT SELECT, INSERT ON patients_accesslog TO affectline_app;
    END IF;
    IF to_regclass('public.django_migrations') IS NOT NULL THEN
        REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM affectline_app;
    END IF;
END $$;
