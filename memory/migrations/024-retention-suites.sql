-- Which of several retention suites a task belongs to; NULL where there is one, and of all other tasks.
ALTER TABLE tasks ADD COLUMN suite TEXT CHECK (suite IS NULL OR split = 'retention');
