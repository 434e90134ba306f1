-- Spread of ratings by year: lowest, quartiles, highest and standard deviation.
SELECT year, count(*) AS titles, min(rating) AS lowest,
       round(percentile_cont(0.25) WITHIN GROUP (ORDER BY rating)::numeric, 2) AS first_quartile,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY rating)::numeric, 2) AS median,
       round(percentile_cont(0.75) WITHIN GROUP (ORDER BY rating)::numeric, 2) AS third_quartile,
       max(rating) AS highest, round(stddev_pop(rating), 2) AS deviation
FROM movies
WHERE year IS NOT NULL AND rating IS NOT NULL
GROUP BY year
ORDER BY year;
