-- Average length by decade: minutes, over the titles whose length is known.
SELECT year / 10 * 10 AS decade, count(*) AS titles, round(avg(duration_minutes), 1) AS average_minutes,
       min(duration_minutes) AS shortest, max(duration_minutes) AS longest
FROM movies
WHERE year IS NOT NULL AND duration_minutes > 0
GROUP BY decade
ORDER BY decade;
