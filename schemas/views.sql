-- Views for people: the timeline's tables joined as one asks for them, names instead of ids. A writer of ours
-- creates those whose tables are in the file ("needs"); on an Nsight Systems export: sqlite3 FILE < views.sql,
-- and query those whose tables it has. All times are ns since the start of the session.

-- NVTX ranges with their domains' names; end and duration are NULL for a range that was still open at the end.
-- needs: NVTX_EVENTS StringIds
CREATE VIEW v_ranges AS
SELECT e.rowid AS rangeId, COALESCE(e.text, s.value) AS name, COALESCE(d.text, ds.value) AS domain, e.start AS start, e.end AS end, e.end - e.start AS duration,
       e.globalTid >> 24 & 0xFFFFFF AS pid, e.globalTid & 0xFFFFFF AS tid, e.globalTid AS globalTid, e.eventType = 59 AS pushPop
FROM NVTX_EVENTS e
LEFT JOIN StringIds s ON s.id = e.textId
LEFT JOIN NVTX_EVENTS d ON d.eventType = 75 AND d.domainId = e.domainId AND d.globalTid & ~0xFFFFFF = e.globalTid & ~0xFFFFFF AND e.domainId != 0
LEFT JOIN StringIds ds ON ds.id = d.textId
WHERE e.eventType IN (59, 60);

-- The timed iterations of the reference set and of programs that mark their steps as it does.
-- needs: NVTX_EVENTS StringIds
CREATE VIEW v_steps AS
SELECT step.rowid AS rangeId, COALESCE(w.text, ws.value) AS workload, COALESCE(step.uint64Value, step.int64Value) AS step, step.start AS start, step.end AS end,
       step.end - step.start AS duration, step.globalTid >> 24 & 0xFFFFFF AS pid, step.globalTid & 0xFFFFFF AS tid
FROM NVTX_EVENTS step
JOIN NVTX_EVENTS d ON d.eventType = 75 AND d.domainId = step.domainId AND COALESCE(d.text, (SELECT value FROM StringIds WHERE id = d.textId)) = 'ridge' AND d.globalTid & ~0xFFFFFF = step.globalTid & ~0xFFFFFF
LEFT JOIN NVTX_EVENTS w ON w.eventType = 59 AND w.category = 1 AND w.domainId = step.domainId AND w.globalTid = step.globalTid AND w.start <= step.start AND (w.end IS NULL OR w.end >= step.end)
LEFT JOIN StringIds ws ON ws.id = w.textId
WHERE step.category = 3 AND step.eventType = 59
  AND NOT EXISTS (SELECT 1 FROM NVTX_EVENTS warmup WHERE warmup.eventType = 59 AND warmup.category = 2 AND warmup.domainId = step.domainId AND warmup.globalTid = step.globalTid
                  AND warmup.start <= step.start AND (warmup.end IS NULL OR warmup.end >= step.end));

-- Ranges that say what they do: rates by the wall time of the range.
-- needs: RIDGE_WORK NVTX_EVENTS StringIds
CREATE VIEW v_work AS
SELECT e.rowid AS rangeId, COALESCE(e.text, s.value) AS name, k.name AS opKind, t.name AS dtype, e.start AS start, e.end AS end, e.end - e.start AS duration,
       w.flops AS flops, w.bytesRead AS bytesRead, w.bytesWritten AS bytesWritten, w.bytesCommunicated AS bytesCommunicated,
       CASE WHEN w.bytesRead + w.bytesWritten > 0 THEN CAST(w.flops AS REAL) / (w.bytesRead + w.bytesWritten) END AS intensity,
       CASE WHEN e.end > e.start THEN w.flops * 1e9 / (e.end - e.start) END AS flopPerSecond,
       CASE WHEN e.end > e.start THEN (w.bytesRead + w.bytesWritten) * 1e9 / (e.end - e.start) END AS bytesPerSecond,
       w.communicator AS communicator, w.sequence AS sequence, e.globalTid >> 24 & 0xFFFFFF AS pid, e.globalTid & 0xFFFFFF AS tid
FROM RIDGE_WORK w
JOIN NVTX_EVENTS e ON e.rowid = w.nvtxId
LEFT JOIN StringIds s ON s.id = e.textId
LEFT JOIN ENUM_RIDGE_OP_KIND k ON k.id = w.opKind
LEFT JOIN ENUM_RIDGE_DTYPE t ON t.id = w.dtype;

-- Kernels with the call that launched them; wait: from the end of the call to the start of the kernel.
-- needs: CUPTI_ACTIVITY_KIND_KERNEL CUPTI_ACTIVITY_KIND_RUNTIME StringIds
CREATE VIEW v_kernels AS
SELECT k.rowid AS kernelId, n.value AS name, sn.value AS shortName, k.start AS start, k.end AS end, k.end - k.start AS duration, k.deviceId AS device,
       k.streamId AS stream, k.gridX * k.gridY * k.gridZ AS blocks, k.blockX * k.blockY * k.blockZ AS threadsPerBlock, k.globalPid >> 24 & 0xFFFFFF AS pid,
       k.correlationId AS correlationId, r.start AS launchStart, r.end AS launchEnd, MAX(0, k.start - r.end) AS wait, r.globalTid & 0xFFFFFF AS launchTid
FROM CUPTI_ACTIVITY_KIND_KERNEL k
LEFT JOIN StringIds n ON n.id = k.demangledName
LEFT JOIN StringIds sn ON sn.id = k.shortName
LEFT JOIN CUPTI_ACTIVITY_KIND_RUNTIME r ON r.correlationId = k.correlationId AND r.globalTid & ~0xFFFFFF = k.globalPid;

-- needs: CUPTI_ACTIVITY_KIND_MEMCPY ENUM_CUDA_MEMCPY_OPER ENUM_CUDA_MEM_KIND
CREATE VIEW v_copies AS
SELECT c.rowid AS copyId, o.label AS direction, c.start AS start, c.end AS end, c.end - c.start AS duration, c.bytes AS bytes,
       CASE WHEN c.end > c.start THEN c.bytes * 1e9 / (c.end - c.start) END AS bytesPerSecond, f.label AS "from", t.label AS "to", c.deviceId AS device,
       c.streamId AS stream, c.globalPid >> 24 & 0xFFFFFF AS pid, c.correlationId AS correlationId
FROM CUPTI_ACTIVITY_KIND_MEMCPY c
LEFT JOIN ENUM_CUDA_MEMCPY_OPER o ON o.id = c.copyKind
LEFT JOIN ENUM_CUDA_MEM_KIND f ON f.id = c.srcKind
LEFT JOIN ENUM_CUDA_MEM_KIND t ON t.id = c.dstKind;

-- needs: CUPTI_ACTIVITY_KIND_RUNTIME StringIds
CREATE VIEW v_api AS
SELECT r.rowid AS callId, s.value AS name, r.start AS start, r.end AS end, r.end - r.start AS duration, r.returnValue AS result, r.correlationId AS correlationId,
       r.globalTid >> 24 & 0xFFFFFF AS pid, r.globalTid & 0xFFFFFF AS tid
FROM CUPTI_ACTIVITY_KIND_RUNTIME r
LEFT JOIN StringIds s ON s.id = r.nameId;

-- needs: RIDGE_IO OSRT_API OSRT_FILE_ACCESS_DESCRIPTORS StringIds
CREATE VIEW v_io AS
SELECT o.rowid AS callId, s.value AS name, f.filePath AS path, o.start AS start, o.end AS end, o.end - o.start AS duration,
       CASE WHEN i.op NOT IN (22, 31, 25, 26) THEN i.bytes END AS bytes,  -- mmap, io_uring: nobody sees what they move

       i.requested AS requested, i.offset AS offset, i.errorNumber AS errorNumber, o.globalTid >> 24 & 0xFFFFFF AS pid, o.globalTid & 0xFFFFFF AS tid
FROM RIDGE_IO i
JOIN OSRT_API o ON o.rowid = i.osrtId
LEFT JOIN StringIds s ON s.id = o.nameId
LEFT JOIN OSRT_FILE_ACCESS_DESCRIPTORS f ON f.fileAccessId = i.fileAccessId;

-- needs: RIDGE_COUNTER RIDGE_COUNTER_SAMPLE
CREATE VIEW v_counters AS
SELECT c.name AS name, c.unit AS unit, c.globalPid >> 24 & 0xFFFFFF AS pid, c.deviceId AS device, v.time AS time, v.value AS value
FROM RIDGE_COUNTER_SAMPLE v
JOIN RIDGE_COUNTER c ON c.id = v.counterId;

-- What the analyzer said (ridge run stores it; ridge analyze --store does so for any file of ours). One row per
-- step, device and class of wall time; the shares of a step add up to 1.
-- needs: RIDGE_STEP RIDGE_ATTRIBUTION
CREATE VIEW v_attribution AS
SELECT s.workload AS workload, s.rank AS rank, s.device AS device, s.step AS step, a.class AS class, a.ns AS ns,
       CASE WHEN s.end > s.start THEN CAST(a.ns AS REAL) / (s.end - s.start) END AS share, s.start AS start, s.end AS end
FROM RIDGE_ATTRIBUTION a
JOIN RIDGE_STEP s ON s.id = a.stepId;
