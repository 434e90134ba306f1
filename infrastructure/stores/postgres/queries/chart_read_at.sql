-- When the stored places of a chart were read, as canonical text; NULL without places.
SELECT to_char(max(read_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM charts
WHERE chart = %s
