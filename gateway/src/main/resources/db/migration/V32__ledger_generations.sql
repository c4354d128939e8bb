-- The generation of the scheduler that holds a partition of jobs where its posting stands, so that whoever goes on from there knows
-- what is of one that was replaced. It is told for one offset: a gateway of before this, or whoever sets next_offset back, moves that
-- alone, and then nothing is known.
ALTER TABLE ingest_offset
    ADD COLUMN generation        bigint NOT NULL DEFAULT 0,
    ADD COLUMN generation_offset bigint NOT NULL DEFAULT 0;
