-- SPDX-License-Identifier: Apache-2.0
-- The timeline file, schema version 3 (PRAGMA user_version), application_id 0x52494447 ("RIDG").
--
-- Tables without the prefix RIDGE_ have the names and columns of an Nsight Systems export (3.24.14), so
-- that its users' SQL and its own scripts read our files. A table is created only when it gets a row,
-- and its indexes with it. All times are integer nanoseconds since the start of the session.
-- A range that was still open at the end has end NULL. "->" names the table that a column refers to.
-- Columns and tables are added, never renamed; user_version rises when one is.

-- Every repeated text, once. value may hold NUL bytes.
CREATE TABLE StringIds (
    id     INTEGER NOT NULL PRIMARY KEY,
    value  TEXT NOT NULL
);

-- Processes of the session.
CREATE TABLE PROCESSES (
    globalPid  INTEGER,                                           -- globalTid with tid 0
    pid        INTEGER,
    name       TEXT
);

CREATE TABLE ThreadNames (
    nameId     INTEGER NOT NULL,                                  -- -> StringIds(id)
    priority   INTEGER,
    globalTid  INTEGER                                            -- hw<<56 | vm<<48 | pid<<24 | tid
);

-- Wall clock of t = 0.
CREATE TABLE TARGET_INFO_SESSION_START_TIME (
    utcEpochNs     INTEGER,                                       -- UTC epoch of t = 0, ns
    utcTime        TEXT,
    localTime      TEXT,
    systemClockNs  INTEGER                                        -- CLOCK_MONOTONIC at t = 0, ns
);

CREATE TABLE ANALYSIS_DETAILS (
    globalVid  INTEGER NOT NULL,
    duration   INTEGER NOT NULL,                                  -- ns
    startTime  INTEGER NOT NULL,                                  -- CLOCK_MONOTONIC at t = 0, ns
    stopTime   INTEGER NOT NULL                                   -- CLOCK_MONOTONIC at the end, ns
);

-- One row per GPU that the session saw.
CREATE TABLE TARGET_INFO_GPU (
    vmId                   INTEGER NOT NULL,
    id                     INTEGER NOT NULL,
    name                   TEXT,
    busLocation            TEXT,
    isDiscrete             INTEGER,
    l2CacheSize            INTEGER,                               -- B
    totalMemory            INTEGER,                               -- B
    memoryBandwidth        INTEGER,                               -- B/s
    clockRate              INTEGER,                               -- Hz
    smCount                INTEGER,
    pwGpuId                INTEGER,
    uuid                   TEXT,
    luid                   INTEGER,
    chipName               TEXT,
    cuDevice               INTEGER,
    ctxswDevPath           TEXT,
    ctrlDevPath            TEXT,
    revision               INTEGER,
    nodeMask               INTEGER,
    constantMemory         INTEGER,
    maxIPC                 INTEGER,
    maxRegistersPerBlock   INTEGER,
    maxShmemPerBlock       INTEGER,
    maxShmemPerBlockOptin  INTEGER,
    maxShmemPerSm          INTEGER,
    maxRegistersPerSm      INTEGER,
    threadsPerWarp         INTEGER,
    asyncEngines           INTEGER,
    maxWarpsPerSm          INTEGER,
    maxBlocksPerSm         INTEGER,
    maxThreadsPerBlock     INTEGER,
    maxBlockDimX           INTEGER,
    maxBlockDimY           INTEGER,
    maxBlockDimZ           INTEGER,
    maxGridDimX            INTEGER,
    maxGridDimY            INTEGER,
    maxGridDimZ            INTEGER,
    computeMajor           INTEGER,
    computeMinor           INTEGER,
    smMajor                INTEGER,
    smMinor                INTEGER
);

-- CUDA index of a process -> GPU.
CREATE TABLE TARGET_INFO_CUDA_DEVICE (
    gpuId               INTEGER,
    cudaId              INTEGER NOT NULL,
    pid                 INTEGER NOT NULL,
    uuid                TEXT,
    numMultiprocessors  INTEGER
);

CREATE TABLE TARGET_INFO_CUDA_CONTEXT_INFO (
    nullStreamId        INTEGER NOT NULL,
    hwId                INTEGER NOT NULL,
    vmId                INTEGER NOT NULL,
    processId           INTEGER NOT NULL,
    deviceId            INTEGER NOT NULL,                         -- CUDA device of the process
    contextId           INTEGER NOT NULL,                         -- CUDA context
    parentContextId     INTEGER,
    isGreenContext      INTEGER,
    numMultiprocessors  INTEGER
);

CREATE TABLE TARGET_INFO_CUDA_STREAM (
    streamId   INTEGER NOT NULL,                                  -- CUDA stream
    hwId       INTEGER NOT NULL,
    vmId       INTEGER NOT NULL,
    processId  INTEGER NOT NULL,
    contextId  INTEGER NOT NULL,                                  -- CUDA context
    priority   INTEGER NOT NULL,
    flag       INTEGER NOT NULL                                   -- -> ENUM_CUPTI_STREAM_TYPE(id)
);

-- Ranges, marks, domains (75), categories (33). Name = COALESCE(text, StringIds[textId]). end NULL: a mark, or still open at the end of the session.
CREATE TABLE NVTX_EVENTS (
    start         INTEGER NOT NULL,                               -- ns since session start
    end           INTEGER,                                        -- ns since session start; NULL: a mark or still open
    eventType     INTEGER NOT NULL,                               -- -> ENUM_NSYS_EVENT_TYPE(id)
    rangeId       INTEGER,                                        -- ties the two ends of a start/end range
    category      INTEGER,                                        -- named by rows of eventType 33
    color         INTEGER,                                        -- ARGB
    text          TEXT,                                           -- the name, when it is not registered
    globalTid     INTEGER,                                        -- hw<<56 | vm<<48 | pid<<24 | tid
    endGlobalTid  INTEGER,                                        -- thread that ended a start/end range
    textId        INTEGER,                                        -- -> StringIds(id), a registered string or a domain
    domainId      INTEGER,                                        -- per process; 0 is the default domain
    uint64Value   INTEGER,
    int64Value    INTEGER,
    doubleValue   REAL,
    uint32Value   INTEGER,
    int32Value    INTEGER,
    floatValue    REAL,
    jsonTextId    INTEGER,                                        -- -> StringIds(id)
    jsonText      TEXT,                                           -- extended payload, decoded, as JSON
    binaryData    TEXT                                            -- extended payload, raw
);
CREATE INDEX idx_NVTX_EVENTS_start ON NVTX_EVENTS(start);

CREATE TABLE NVTX_PAYLOAD_SCHEMAS (
    domainId     INTEGER,                                         -- per process; 0 is the default domain
    schemaId     INTEGER,                                         -- NVTX schema id
    name         TEXT,
    type         INTEGER,                                         -- as NVTX defines it
    flags        INTEGER,                                         -- as NVTX defines it
    numEntries   INTEGER,
    payloadSize  INTEGER,                                         -- B
    alignTo      INTEGER                                          -- B
);

CREATE TABLE NVTX_PAYLOAD_SCHEMA_ENTRIES (
    domainId            INTEGER NOT NULL,                         -- per process; 0 is the default domain
    schemaId            INTEGER NOT NULL,                         -- NVTX schema id
    idx                 INTEGER NOT NULL,
    flags               INTEGER,                                  -- as NVTX defines it
    type                INTEGER,                                  -- as NVTX defines it
    name                TEXT,
    description         TEXT,
    arrayOrUnionDetail  INTEGER,
    offset              INTEGER                                   -- B from the start of the payload
);

-- Enums that entries of payloads may have as their type.
CREATE TABLE NVTX_PAYLOAD_ENUMS (
    domainId  INTEGER,                                            -- per process; 0 is the default domain
    schemaId  INTEGER,                                            -- in the number space of schemas
    name      TEXT,
    size      INTEGER                                             -- B
);

CREATE TABLE NVTX_PAYLOAD_ENUM_ENTRIES (
    domainId  INTEGER NOT NULL,                                   -- per process; 0 is the default domain
    schemaId  INTEGER NOT NULL,                                   -- as in NVTX_PAYLOAD_ENUMS
    idx       INTEGER NOT NULL,
    name      TEXT,
    value     INTEGER,
    isFlag    INTEGER                                             -- 1: a set of bits
);

-- CUDA runtime (class 0) and driver (class 1) API calls.
CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (
    start          INTEGER NOT NULL,                              -- ns since session start
    end            INTEGER NOT NULL,                              -- ns since session start
    eventClass     INTEGER NOT NULL,                              -- -> ENUM_NSYS_EVENT_CLASS(id)
    globalTid      INTEGER,                                       -- hw<<56 | vm<<48 | pid<<24 | tid
    correlationId  INTEGER,                                       -- joins to device rows of the same process
    nameId         INTEGER NOT NULL,                              -- -> StringIds(id)
    returnValue    INTEGER NOT NULL,                              -- as the call returned it
    callchainId    INTEGER
);
CREATE INDEX idx_CUPTI_ACTIVITY_KIND_RUNTIME_start ON CUPTI_ACTIVITY_KIND_RUNTIME(start);

-- Kernels as they ran on the device.
CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (
    start                            INTEGER NOT NULL,            -- ns since session start
    end                              INTEGER NOT NULL,            -- ns since session start
    deviceId                         INTEGER NOT NULL,            -- CUDA device of the process
    contextId                        INTEGER NOT NULL,            -- CUDA context
    greenContextId                   INTEGER,
    streamId                         INTEGER NOT NULL,            -- CUDA stream
    correlationId                    INTEGER,                     -- joins to RUNTIME.correlationId of the same process
    globalPid                        INTEGER,                     -- globalTid with tid 0
    demangledName                    INTEGER NOT NULL,            -- -> StringIds(id)
    shortName                        INTEGER NOT NULL,            -- -> StringIds(id)
    mangledName                      INTEGER,                     -- -> StringIds(id)
    launchType                       INTEGER,                     -- -> ENUM_CUDA_KERNEL_LAUNCH_TYPE(id)
    cacheConfig                      INTEGER,
    registersPerThread               INTEGER NOT NULL,
    gridX                            INTEGER NOT NULL,
    gridY                            INTEGER NOT NULL,
    gridZ                            INTEGER NOT NULL,
    blockX                           INTEGER NOT NULL,
    blockY                           INTEGER NOT NULL,
    blockZ                           INTEGER NOT NULL,
    staticSharedMemory               INTEGER NOT NULL,            -- B
    dynamicSharedMemory              INTEGER NOT NULL,            -- B
    localMemoryPerThread             INTEGER NOT NULL,            -- B
    localMemoryTotal                 INTEGER NOT NULL,            -- B
    gridId                           INTEGER NOT NULL,
    sharedMemoryExecuted             INTEGER,
    graphNodeId                      INTEGER,                     -- -> CUDA_GRAPH_NODE_EVENTS(graphNodeId)
    sharedMemoryLimitConfig          INTEGER,
    qmdBulkReleaseDone               INTEGER,
    qmdPreexitDone                   INTEGER,
    qmdLastCtaDone                   INTEGER,
    graphId                          INTEGER,
    clusterX                         INTEGER,
    clusterY                         INTEGER,
    clusterZ                         INTEGER,
    clusterSchedulingPolicy          INTEGER,
    maxPotentialClusterSize          INTEGER,
    maxActiveClusters                INTEGER,
    sharedMemoryRequestedPercentage  INTEGER
);
CREATE INDEX idx_CUPTI_ACTIVITY_KIND_KERNEL_start ON CUPTI_ACTIVITY_KIND_KERNEL(start);

CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY (
    start            INTEGER NOT NULL,                            -- ns since session start
    end              INTEGER NOT NULL,                            -- ns since session start
    deviceId         INTEGER NOT NULL,                            -- CUDA device of the process
    contextId        INTEGER NOT NULL,                            -- CUDA context
    greenContextId   INTEGER,
    streamId         INTEGER NOT NULL,                            -- CUDA stream
    correlationId    INTEGER,                                     -- joins to RUNTIME.correlationId of the same process
    globalPid        INTEGER,                                     -- globalTid with tid 0
    bytes            INTEGER NOT NULL,                            -- B
    copyKind         INTEGER NOT NULL,                            -- -> ENUM_CUDA_MEMCPY_OPER(id)
    deprecatedSrcId  INTEGER,
    srcKind          INTEGER,                                     -- -> ENUM_CUDA_MEM_KIND(id)
    dstKind          INTEGER,                                     -- -> ENUM_CUDA_MEM_KIND(id)
    srcDeviceId      INTEGER,
    srcContextId     INTEGER,
    dstDeviceId      INTEGER,
    dstContextId     INTEGER,
    migrationCause   INTEGER,                                     -- -> ENUM_CUDA_UNIF_MEM_MIGRATION(id)
    graphNodeId      INTEGER,                                     -- -> CUDA_GRAPH_NODE_EVENTS(graphNodeId)
    virtualAddress   INTEGER,
    copyCount        INTEGER
);
CREATE INDEX idx_CUPTI_ACTIVITY_KIND_MEMCPY_start ON CUPTI_ACTIVITY_KIND_MEMCPY(start);

CREATE TABLE CUPTI_ACTIVITY_KIND_MEMSET (
    start           INTEGER NOT NULL,                             -- ns since session start
    end             INTEGER NOT NULL,                             -- ns since session start
    deviceId        INTEGER NOT NULL,                             -- CUDA device of the process
    contextId       INTEGER NOT NULL,                             -- CUDA context
    greenContextId  INTEGER,
    streamId        INTEGER NOT NULL,                             -- CUDA stream
    correlationId   INTEGER,                                      -- joins to RUNTIME.correlationId of the same process
    globalPid       INTEGER,                                      -- globalTid with tid 0
    value           INTEGER NOT NULL,
    bytes           INTEGER NOT NULL,                             -- B
    graphNodeId     INTEGER,                                      -- -> CUDA_GRAPH_NODE_EVENTS(graphNodeId)
    memKind         INTEGER                                       -- -> ENUM_CUDA_MEM_KIND(id)
);
CREATE INDEX idx_CUPTI_ACTIVITY_KIND_MEMSET_start ON CUPTI_ACTIVITY_KIND_MEMSET(start);

CREATE TABLE CUPTI_ACTIVITY_KIND_SYNCHRONIZATION (
    start               INTEGER NOT NULL,                         -- ns since session start
    end                 INTEGER NOT NULL,                         -- ns since session start
    deviceId            INTEGER NOT NULL,                         -- CUDA device of the process
    contextId           INTEGER NOT NULL,                         -- CUDA context
    greenContextId      INTEGER,
    streamId            INTEGER NOT NULL,                         -- CUDA stream
    correlationId       INTEGER,                                  -- joins to RUNTIME.correlationId of the same process
    globalPid           INTEGER,                                  -- globalTid with tid 0
    deprecatedSyncType  INTEGER,
    syncType            INTEGER NOT NULL,                         -- -> ENUM_CUPTI_SYNC_TYPE(id)
    eventId             INTEGER NOT NULL,
    eventSyncId         INTEGER                                   -- ties a record to the waits on it
);
CREATE INDEX idx_CUPTI_ACTIVITY_KIND_SYNCHRONIZATION_start ON CUPTI_ACTIVITY_KIND_SYNCHRONIZATION(start);

CREATE TABLE CUPTI_ACTIVITY_KIND_CUDA_EVENT (
    timestamp       INTEGER,                                      -- ns since session start
    deviceId        INTEGER NOT NULL,                             -- CUDA device of the process
    contextId       INTEGER NOT NULL,                             -- CUDA context
    greenContextId  INTEGER,
    streamId        INTEGER NOT NULL,                             -- CUDA stream
    correlationId   INTEGER,                                      -- joins to RUNTIME.correlationId of the same process
    globalPid       INTEGER,                                      -- globalTid with tid 0
    eventId         INTEGER NOT NULL,
    eventSyncId     INTEGER                                       -- ties a record to the waits on it
);

CREATE TABLE CUPTI_ACTIVITY_KIND_OVERHEAD (
    start          INTEGER NOT NULL,                              -- ns since session start
    end            INTEGER NOT NULL,                              -- ns since session start
    eventClass     INTEGER NOT NULL,                              -- -> ENUM_NSYS_EVENT_CLASS(id)
    globalTid      INTEGER,                                       -- hw<<56 | vm<<48 | pid<<24 | tid
    correlationId  INTEGER,                                       -- joins to RUNTIME.correlationId of the same process
    nameId         INTEGER,                                       -- -> StringIds(id)
    overheadType   INTEGER NOT NULL                               -- -> ENUM_CUPTI_OVERHEAD_TYPE(id)
);

CREATE TABLE PROFILER_OVERHEAD (
    start         INTEGER NOT NULL,                               -- ns since session start
    end           INTEGER NOT NULL,                               -- ns since session start
    globalTid     INTEGER,                                        -- hw<<56 | vm<<48 | pid<<24 | tid
    nameId        INTEGER NOT NULL,                               -- -> StringIds(id)
    overheadType  INTEGER NOT NULL                                -- -> ENUM_CUPTI_OVERHEAD_TYPE(id)
);

-- Calls of the C library that the I/O hooks saw.
CREATE TABLE OSRT_API (
    start         INTEGER NOT NULL,                               -- ns since session start
    end           INTEGER NOT NULL,                               -- ns since session start
    eventClass    INTEGER NOT NULL,                               -- -> ENUM_NSYS_EVENT_CLASS(id)
    globalTid     INTEGER,                                        -- hw<<56 | vm<<48 | pid<<24 | tid
    nameId        INTEGER NOT NULL,                               -- -> StringIds(id)
    returnValue   INTEGER NOT NULL,                               -- as the call returned it
    nestingLevel  INTEGER,
    callchainId   INTEGER NOT NULL,
    argumentsId   INTEGER NOT NULL                                -- 0: none
);
CREATE INDEX idx_OSRT_API_start ON OSRT_API(start);

CREATE TABLE OSRT_CALLCHAINS (
    id            INTEGER NOT NULL,
    symbol        INTEGER NOT NULL,
    module        INTEGER NOT NULL,
    kernelMode    INTEGER,
    thumbCode     INTEGER,
    unresolved    INTEGER,
    specialEntry  INTEGER,
    originalIP    INTEGER,
    unwindMethod  INTEGER,
    stackDepth    INTEGER NOT NULL,
    PRIMARY KEY (id, stackDepth)
);

-- Files, pipes and sockets that those calls touched.
CREATE TABLE OSRT_FILE_ACCESS_DESCRIPTORS (
    fileAccessId  INTEGER NOT NULL,                               -- -> OSRT_FILE_ACCESS_DESCRIPTORS(fileAccessId)
    processId     INTEGER NOT NULL,
    openedAt      INTEGER NOT NULL,                               -- ns since session start, 0: before it
    closedAt      INTEGER NOT NULL,                               -- ns since session start, 0: still open
    filePath      TEXT NOT NULL
);

CREATE TABLE OSRT_FILE_ACCESS_EVENTS (
    fileAccessId    INTEGER NOT NULL,                             -- -> OSRT_FILE_ACCESS_DESCRIPTORS(fileAccessId)
    threadId        INTEGER NOT NULL,                             -- tid
    startedAt       INTEGER NOT NULL,                             -- ns since session start
    endedAt         INTEGER NOT NULL,                             -- ns since session start
    eventType       INTEGER NOT NULL,                             -- -> ENUM_NSYS_EVENT_TYPE(id)
    apiCallId       INTEGER NOT NULL,                             -- -> StringIds(id)
    bytesProcessed  INTEGER NOT NULL,                             -- B
    context         TEXT NOT NULL
);

CREATE TABLE SCHED_EVENTS (
    start        INTEGER NOT NULL,                                -- ns since session start
    cpu          INTEGER NOT NULL,
    isSchedIn    INTEGER NOT NULL,                                -- 0: scheduled out
    globalTid    INTEGER,                                         -- hw<<56 | vm<<48 | pid<<24 | tid
    threadState  INTEGER,                                         -- -> ENUM_SAMPLING_THREAD_STATE(id)
    threadBlock  INTEGER
);

-- CPU samples.
CREATE TABLE COMPOSITE_EVENTS (
    id           INTEGER NOT NULL PRIMARY KEY,
    start        INTEGER NOT NULL,                                -- ns since session start
    cpu          INTEGER,
    threadState  INTEGER,                                         -- -> ENUM_SAMPLING_THREAD_STATE(id)
    globalTid    INTEGER,                                         -- hw<<56 | vm<<48 | pid<<24 | tid
    cpuCycles    INTEGER NOT NULL                                 -- value of the sampling counter
);

-- The call stack of each of them.
CREATE TABLE SAMPLING_CALLCHAINS (
    id            INTEGER NOT NULL,                               -- -> COMPOSITE_EVENTS(id)
    symbol        INTEGER NOT NULL,                               -- -> StringIds(id), the function
    module        INTEGER NOT NULL,                               -- -> StringIds(id), the file that it is in
    kernelMode    INTEGER,                                        -- 1: of the kernel
    thumbCode     INTEGER,
    unresolved    INTEGER,                                        -- 1: symbol is the address as text
    specialEntry  INTEGER,
    originalIP    INTEGER,                                        -- address
    unwindMethod  INTEGER,                                        -- -> ENUM_STACK_UNWIND_METHOD(id)
    stackDepth    INTEGER NOT NULL                                -- 0: the innermost
);
CREATE INDEX idx_SAMPLING_CALLCHAINS ON SAMPLING_CALLCHAINS(id);

-- What the collector has to say about this session.
CREATE TABLE DIAGNOSTIC_EVENT (
    timestamp      INTEGER NOT NULL,                              -- ns since session start
    timestampType  INTEGER NOT NULL,                              -- -> ENUM_DIAGNOSTIC_TIMESTAMP_SOURCE(id)
    source         INTEGER NOT NULL,                              -- -> ENUM_DIAGNOSTIC_SOURCE_TYPE(id)
    severity       INTEGER NOT NULL,                              -- -> ENUM_DIAGNOSTIC_SEVERITY_LEVEL(id)
    text           TEXT NOT NULL,                                 -- the name, when it is not registered
    globalPid      INTEGER                                        -- globalTid with tid 0
);

-- How the session was recorded.
CREATE TABLE META_DATA_CAPTURE (
    name   TEXT NOT NULL,
    value  TEXT
);

-- Which product and schema wrote this file.
CREATE TABLE META_DATA_EXPORT (
    name   TEXT NOT NULL,
    value  TEXT
);

-- Whole CUDA graphs, one row per launch.
CREATE TABLE CUPTI_ACTIVITY_KIND_GRAPH_TRACE (
    start           INTEGER,            -- ns since session start
    end             INTEGER,            -- ns since session start
    deviceId        INTEGER,            -- CUDA device of the process
    contextId       INTEGER,            -- CUDA context
    greenContextId  INTEGER,
    streamId        INTEGER,            -- CUDA stream
    correlationId   INTEGER,            -- joins to RUNTIME.correlationId of the same process
    globalPid       INTEGER,            -- globalTid with tid 0
    graphId         INTEGER,
    graphExecId     INTEGER
);

-- Creation of the nodes of CUDA graphs.
CREATE TABLE CUDA_GRAPH_NODE_EVENTS (
    start                INTEGER NOT NULL,  -- ns since session start
    end                  INTEGER,           -- ns since session start
    eventClass           INTEGER,           -- -> ENUM_NSYS_EVENT_CLASS(id)
    globalTid            INTEGER,           -- hw<<56 | vm<<48 | pid<<24 | tid
    nameId               INTEGER,           -- -> StringIds(id)
    graphNodeId          INTEGER NOT NULL,
    originalGraphNodeId  INTEGER
);

-- Device memory: allocation and release.
CREATE TABLE CUDA_GPU_MEMORY_USAGE_EVENTS (
    start                INTEGER NOT NULL,  -- ns since session start
    globalPid            INTEGER NOT NULL,  -- globalTid with tid 0
    deviceId             INTEGER NOT NULL,
    contextId            INTEGER NOT NULL,
    address              INTEGER NOT NULL,
    pc                   INTEGER NOT NULL,
    bytes                INTEGER NOT NULL,  -- B
    memKind              INTEGER NOT NULL,  -- -> ENUM_CUDA_MEM_KIND(id)
    memoryOperationType  INTEGER NOT NULL,  -- -> ENUM_CUDA_DEV_MEM_EVENT_OPER(id)
    name                 TEXT,
    correlationId        INTEGER,
    streamId             INTEGER,
    localMemoryPoolAddress            INTEGER,
    localMemoryPoolReleaseThreshold   INTEGER,
    localMemoryPoolSize               INTEGER,
    localMemoryPoolUtilizedSize       INTEGER,
    importedMemoryPoolAddress         INTEGER,
    importedMemoryPoolProcessId       INTEGER
);

-- Pools that allocations come from (cudaMallocAsync): made, trimmed, destroyed.
CREATE TABLE CUDA_GPU_MEMORY_POOL_EVENTS (
    start                            INTEGER NOT NULL,  -- ns since session start
    globalPid                        INTEGER NOT NULL,  -- globalTid with tid 0
    deviceId                         INTEGER NOT NULL,
    address                          INTEGER NOT NULL,
    operationType                    INTEGER NOT NULL,  -- -> ENUM_CUDA_MEMPOOL_OPER(id)
    poolType                         INTEGER NOT NULL,  -- -> ENUM_CUDA_MEMPOOL_TYPE(id)
    correlationId                    INTEGER,
    minBytesToKeep                   INTEGER,           -- B
    localMemoryPoolReleaseThreshold  INTEGER,           -- B
    localMemoryPoolSize              INTEGER,           -- B
    localMemoryPoolUtilizedSize      INTEGER            -- B
);

-- Page faults of unified memory.
CREATE TABLE CUDA_UM_CPU_PAGE_FAULT_EVENTS (
    start      INTEGER NOT NULL,        -- ns since session start
    globalPid  INTEGER NOT NULL,        -- globalTid with tid 0
    address    INTEGER NOT NULL
);

CREATE TABLE CUDA_UM_GPU_PAGE_FAULT_EVENTS (
    start               INTEGER NOT NULL,  -- ns since session start
    end                 INTEGER NOT NULL,  -- ns since session start
    globalPid           INTEGER NOT NULL,  -- globalTid with tid 0
    deviceId            INTEGER NOT NULL,
    address             INTEGER NOT NULL,
    numberOfPageFaults  INTEGER NOT NULL,
    faultAccessType     INTEGER NOT NULL   -- -> ENUM_CUDA_UNIF_MEM_ACCESS_TYPE(id)
);

-- Samples of device counters; joined with TARGET_INFO_GPU_METRICS USING (typeId, metricId).
CREATE TABLE GPU_METRICS (
    rawTimestamp  INTEGER,
    timestamp     INTEGER,            -- ns since session start
    typeId        INTEGER NOT NULL,
    metricId      INTEGER NOT NULL,
    value         INTEGER NOT NULL
);

CREATE TABLE TARGET_INFO_GPU_METRICS (
    typeId      INTEGER NOT NULL,
    sourceId    INTEGER NOT NULL,
    typeName    TEXT,
    metricId    INTEGER NOT NULL,
    metricName  TEXT
);

-- ---------------------------------------------------------------------------------------------
-- What Nsight Systems has no table for.

-- The session, one row.
CREATE TABLE RIDGE_RUN (
    runId             TEXT    NOT NULL PRIMARY KEY,
    command           TEXT    NOT NULL,   -- JSON array of the arguments
    workingDirectory  TEXT,
    exitStatus        INTEGER,            -- of the program; 128 + n: ended by signal n; NULL: not known
    outcome           TEXT    NOT NULL,   -- 'complete', 'recovered', 'detached' (processes were still running)
    startUtcNs        INTEGER NOT NULL,   -- UTC epoch of t = 0
    startMonotonicNs  INTEGER NOT NULL,   -- CLOCK_MONOTONIC of t = 0
    durationNs        INTEGER NOT NULL,
    clockErrorNs      INTEGER NOT NULL,   -- largest error bound of a converted time, from RIDGE_CLOCK
    toolVersion       TEXT    NOT NULL,
    libraries         TEXT    NOT NULL    -- JSON object: versions of CUPTI, driver, runtime, SQLite, ...
);

-- Readings of several clocks at one moment; the conversion of every tick in this file rests on them.
CREATE TABLE RIDGE_CLOCK (
    time         INTEGER NOT NULL,        -- ns since session start
    globalPid    INTEGER,                 -- NULL: read by the recorder
    kind         TEXT    NOT NULL,        -- 'tsc', 'cntvct', 'monotonic', 'cupti'
    ticks        INTEGER NOT NULL,        -- of that clock
    monotonicNs  INTEGER NOT NULL,
    realtimeNs   INTEGER NOT NULL,
    windowNs     INTEGER NOT NULL         -- from the first to the last reading: the error bound
);

-- The machine and its settings, from an allow-list; never a whole environment.
CREATE TABLE RIDGE_ENVIRONMENT (
    name   TEXT NOT NULL PRIMARY KEY,     -- 'cpu.model', 'env.OMP_NUM_THREADS', ...
    class  TEXT NOT NULL,                 -- 'key' (hashed), 'recorded', 'volatile'
    value  TEXT NOT NULL
);

-- Process -> rank. One row per process that carried an agent.
CREATE TABLE RIDGE_RANK (
    globalPid  INTEGER NOT NULL,          -- globalTid with tid 0
    parentPid  INTEGER,
    rank       INTEGER,                   -- NULL: not under a launcher
    worldSize  INTEGER,
    localRank  INTEGER,
    host       TEXT
);

-- When each process began and ended: where its ranges that never ended are to be closed. One row per process image, so
-- nearly always one per process; after an exec, a range belongs to the last row of its process that starts before it.
CREATE TABLE RIDGE_PROCESS (
    globalPid   INTEGER NOT NULL,         -- globalTid with tid 0
    start       INTEGER NOT NULL,         -- ns since session start: when its agent started
    end         INTEGER NOT NULL,         -- ns since session start
    endKind     TEXT    NOT NULL,         -- 'ended' (seen by the recorder), 'exec' (another image took its place by then),
                                          -- 'running' (at the end of the recording), 'last_seen' (recorder killed: not before then)
    exitStatus  INTEGER                   -- of the program itself; 128 + n: ended by signal n; NULL: not known
);

-- The work payload of an NVTX range (schemas/include/ridge/work.h), one row per range that has one.
CREATE TABLE RIDGE_WORK (
    nvtxId             INTEGER NOT NULL PRIMARY KEY,  -- -> NVTX_EVENTS(rowid)
    opKind             INTEGER NOT NULL,  -- -> ENUM_RIDGE_OP_KIND(id)
    dtype              INTEGER NOT NULL,  -- -> ENUM_RIDGE_DTYPE(id)
    flops              INTEGER NOT NULL,  -- floating-point operations
    bytesRead          INTEGER NOT NULL,  -- B
    bytesWritten       INTEGER NOT NULL,  -- B
    bytesCommunicated  INTEGER NOT NULL,  -- B on the wire, of this rank
    communicator       INTEGER NOT NULL,  -- equal on all ranks; 0: none
    sequence           INTEGER NOT NULL   -- number of the collective on its communicator
);

-- Extended payloads by value: one row per number or text of a range's or mark's payloads.
CREATE TABLE RIDGE_PAYLOAD (
    nvtxId    INTEGER NOT NULL,           -- -> NVTX_EVENTS(rowid)
    schemaId  INTEGER NOT NULL,           -- NVTX schema id, or a predefined type
    fieldId   INTEGER NOT NULL,           -- -> StringIds(id): the entry's name, "outer.inner" where schemas nest
    element   INTEGER NOT NULL,           -- running number of this field's values in the event
    integer   INTEGER,
    real      REAL,
    textId    INTEGER                     -- -> StringIds(id); of an enum beside its number
);
CREATE INDEX idx_RIDGE_PAYLOAD ON RIDGE_PAYLOAD(nvtxId);

-- What the program calls pieces of its memory (NVTX memory extension).
CREATE TABLE RIDGE_MEMORY_REGION (
    start      INTEGER NOT NULL,          -- ns since session start
    end        INTEGER,                   -- ns since session start; NULL: never unregistered
    globalPid  INTEGER NOT NULL,          -- globalTid with tid 0
    domainId   INTEGER NOT NULL,
    isHeap     INTEGER NOT NULL,          -- 1: a heap, of which regions are parts
    regionId   INTEGER NOT NULL,          -- of heaps and regions alike, unique in the process image
    heapId     INTEGER,                   -- regionId of its heap; NULL: the process's
    name       TEXT,
    address    INTEGER NOT NULL,
    bytes      INTEGER NOT NULL           -- B, at last
);

-- What the host handed to a collective, one row per kernel of which another tool's trace says it.
CREATE TABLE RIDGE_COLLECTIVE (
    kernelId      INTEGER NOT NULL PRIMARY KEY,  -- -> CUPTI_ACTIVITY_KIND_KERNEL(rowid)
    collectiveId  INTEGER NOT NULL,       -- equal for the kernels of one collective
    nameId        INTEGER NOT NULL,       -- -> StringIds(id), 'allreduce', ...
    groupId       INTEGER NOT NULL,       -- -> StringIds(id), the process group
    dtypeId       INTEGER NOT NULL,       -- -> StringIds(id)
    bytesIn       INTEGER NOT NULL,       -- B of the message of this rank; 0: not known
    bytesOut      INTEGER NOT NULL,       -- B; 0: not known
    groupSize     INTEGER NOT NULL        -- ranks; 0: not known
);

-- A cause handed from one thread to another, as from forward to backward.
CREATE TABLE RIDGE_FLOW (
    fromTime  INTEGER NOT NULL,           -- ns since session start
    toTime    INTEGER NOT NULL,           -- ns since session start
    fromTid   INTEGER NOT NULL,           -- globalTid
    toTid     INTEGER NOT NULL            -- globalTid
);

-- What OSRT_API has no column for: size, offset and file of an I/O call.
CREATE TABLE RIDGE_IO (
    osrtId        INTEGER NOT NULL PRIMARY KEY,  -- -> OSRT_API(rowid)
    fileAccessId  INTEGER,                -- -> OSRT_FILE_ACCESS_DESCRIPTORS(fileAccessId)
    op            INTEGER NOT NULL,       -- -> ENUM_RIDGE_IO_OP(id)
    bytes         INTEGER NOT NULL,       -- B moved; 0 where the call moves none, failed, or moves what nobody sees (mmap, io_uring)
    requested     INTEGER NOT NULL,       -- B asked for
    offset        INTEGER,                -- NULL: the call has none
    errorNumber   INTEGER NOT NULL        -- errno; 0: it succeeded
);

-- What a file is for, as --io-class says by its path. No row: nothing was said of it.
CREATE TABLE RIDGE_FILE_CLASS (
    fileAccessId  INTEGER NOT NULL PRIMARY KEY,  -- -> OSRT_FILE_ACCESS_DESCRIPTORS(fileAccessId)
    class         TEXT NOT NULL           -- 'data', 'checkpoint', 'other'
);

-- Measured roofs, taken beside this session.
CREATE TABLE RIDGE_CEILING (
    phase          TEXT NOT NULL,         -- 'before', 'after', 'given'
    kind           TEXT NOT NULL,         -- 'compute', 'memory', 'network', 'storage', 'dispatch'
    name           TEXT NOT NULL,
    dtype          TEXT,                  -- 'f32', 'bf16', ...
    level          TEXT,                  -- 'L1', 'L2', 'L3', 'DRAM', ...
    access         TEXT,                  -- 'read', 'copy', 'triad'
    capacityBytes  INTEGER,               -- of the memory level
    value          REAL NOT NULL,
    unit           TEXT NOT NULL,         -- 'FLOP/s', 'B/s', 's'
    minimum        REAL,
    maximum        REAL,
    samples        INTEGER,
    method         TEXT
);

CREATE TABLE RIDGE_COUNTER (
    id         INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,          -- 'process.rss', 'cpu.busy', 'gpu.power', ...; of a thread 'thread.cpu/TID', ...
    unit       TEXT    NOT NULL,
    globalPid  INTEGER,                   -- NULL: of the machine
    deviceId   INTEGER                    -- CPU or GPU number; NULL: none
);

CREATE TABLE RIDGE_COUNTER_SAMPLE (
    counterId  INTEGER NOT NULL,          -- -> RIDGE_COUNTER(id)
    time       INTEGER NOT NULL,          -- ns since session start
    value      REAL    NOT NULL
);

-- Times in which a CPU ran nothing of this machine, as a sleeper on it measured.
CREATE TABLE RIDGE_PREEMPTION (
    start  INTEGER NOT NULL,              -- ns since session start
    end    INTEGER NOT NULL,              -- ns since session start
    cpu    INTEGER NOT NULL
);

-- Counters measured per kernel, joined to the timeline by process and correlation id.
CREATE TABLE RIDGE_KERNEL_METRIC (
    globalPid      INTEGER NOT NULL,
    correlationId  INTEGER NOT NULL,
    graphNodeId    INTEGER,
    metric         TEXT    NOT NULL,      -- 'dram__bytes_read.sum', ...
    value          REAL    NOT NULL
);

-- Launches of a run in which kernels were counted, as they came: what ties its counters to another run's kernels.
CREATE TABLE RIDGE_KERNEL_LAUNCH (
    globalPid      INTEGER NOT NULL,      -- globalTid with tid 0
    contextId      INTEGER NOT NULL,
    launchIndex    INTEGER NOT NULL,      -- in its context, from 0
    correlationId  INTEGER NOT NULL,
    nameId         INTEGER NOT NULL       -- -> StringIds(id), mangled
);

-- The workloads' own results.
CREATE TABLE RIDGE_BENCHMARK (
    workload   TEXT NOT NULL,             -- full name
    metric     TEXT NOT NULL,
    value      REAL,                      -- NULL: not a number
    unit       TEXT NOT NULL,
    direction  TEXT NOT NULL              -- 'lower', 'higher', 'none'
);

-- NCCL as its profiler plugin interface tells it: groups, collectives, channels, proxy operations.
CREATE TABLE RIDGE_NCCL_COMMUNICATOR (
    start         INTEGER NOT NULL,       -- ns since session start
    globalPid     INTEGER NOT NULL,       -- globalTid with tid 0
    communicator  INTEGER NOT NULL,       -- equal on all its ranks
    name          TEXT,
    rank          INTEGER NOT NULL,
    ranks         INTEGER NOT NULL,
    nodes         INTEGER NOT NULL
);

-- A collective's own end is that of handing it over: what runs are its channels and proxy operations.
CREATE TABLE RIDGE_NCCL_EVENT (
    start         INTEGER NOT NULL,       -- ns since session start
    end           INTEGER,                -- ns since session start; NULL: still open at the end
    globalTid     INTEGER NOT NULL,       -- of the thread that started it
    eventId       INTEGER NOT NULL,       -- unique in the process image
    parentId      INTEGER,                -- eventId of what it is part of
    kind          INTEGER NOT NULL,       -- -> ENUM_RIDGE_NCCL_KIND(id)
    nameId        INTEGER,                -- -> StringIds(id): 'AllReduce', 'send', ...
    communicator  INTEGER NOT NULL,
    sequence      INTEGER,                -- of a collective in its communicator; of a proxy's step
    bytes         INTEGER,                -- B: elements times their size; steps times chunk of a proxy operation
    datatypeId    INTEGER,                -- -> StringIds(id)
    algorithmId   INTEGER,                -- -> StringIds(id)
    protocolId    INTEGER,                -- -> StringIds(id)
    channel       INTEGER,                -- of channels and proxy operations
    channels      INTEGER,                -- of collectives: how many
    rank          INTEGER NOT NULL,
    peer          INTEGER,                -- peer, or root of a collective
    gpuStart      INTEGER                 -- %globaltimer at a channel's start, ns of the GPU's own clock
);
CREATE INDEX idx_RIDGE_NCCL_EVENT_start ON RIDGE_NCCL_EVENT(start);

CREATE TABLE RIDGE_NCCL_STATE (
    time       INTEGER NOT NULL,          -- ns since session start
    globalPid  INTEGER NOT NULL,          -- globalTid with tid 0
    eventId    INTEGER NOT NULL,          -- as in RIDGE_NCCL_EVENT
    state      INTEGER NOT NULL,          -- NCCL's number of the state
    value      INTEGER NOT NULL           -- B moved so far; %globaltimer at a channel's end (state 22)
);

-- Ids that a library tied to CUDA calls (cuptiActivityPushExternalCorrelationId).
CREATE TABLE RIDGE_EXTERNAL_CORRELATION (
    globalPid      INTEGER NOT NULL,      -- globalTid with tid 0
    correlationId  INTEGER NOT NULL,      -- of the call, as in RUNTIME
    kind           INTEGER NOT NULL,      -- CUpti_ExternalCorrelationKind
    externalId     INTEGER NOT NULL
);

-- Code made at run time, and its cache.
CREATE TABLE RIDGE_JIT (
    start          INTEGER NOT NULL,      -- ns since session start
    end            INTEGER NOT NULL,      -- ns since session start
    globalTid      INTEGER NOT NULL,      -- tid 0: CUPTI does not say
    deviceId       INTEGER NOT NULL,
    correlationId  INTEGER,
    entry          TEXT    NOT NULL,      -- 'ptx_to_cubin', 'nvvm_ir_to_ptx', 'unknown'
    operation      TEXT    NOT NULL,      -- 'cache_load', 'cache_store', 'compile', 'unknown'
    cacheBytes     INTEGER NOT NULL,      -- B
    cachePath      TEXT
);

-- Names that the program gave to its CUDA objects.
CREATE TABLE RIDGE_CUDA_NAME (
    globalPid  INTEGER NOT NULL,          -- globalTid with tid 0
    kind       TEXT    NOT NULL,          -- 'device', 'context', 'stream', 'event'
    deviceId   INTEGER,
    contextId  INTEGER,
    streamId   INTEGER,
    handle     INTEGER,                   -- the program's own, where that is all that is known
    name       TEXT    NOT NULL
);

-- Everything that was not recorded, counted. No row: nothing was lost.
CREATE TABLE RIDGE_LOSS (
    source     TEXT    NOT NULL,          -- 'spool_write', 'cupti_dropped', ...
    globalPid  INTEGER,
    count      INTEGER NOT NULL,
    detail     TEXT
);

-- The steps that the analyzer found, when its answer was stored in the file.
CREATE TABLE RIDGE_STEP (
    id        INTEGER NOT NULL PRIMARY KEY,
    workload  TEXT    NOT NULL,           -- '': the trace names none
    rank      INTEGER NOT NULL,
    device    INTEGER NOT NULL,           -- 0 for the CPU of a rank
    step      INTEGER NOT NULL,
    start     INTEGER NOT NULL,           -- ns since session start
    end       INTEGER NOT NULL            -- ns since session start
);

-- Wall time of a step by class; only classes that have time. Adds up to the step, exactly.
CREATE TABLE RIDGE_ATTRIBUTION (
    stepId  INTEGER NOT NULL,             -- -> RIDGE_STEP(id)
    class   TEXT    NOT NULL,             -- closed list: schemas/enums/enums.h
    ns      INTEGER NOT NULL
);

-- Sources of data: which were on, and why the others were not.
CREATE TABLE RIDGE_SOURCE (
    name    TEXT NOT NULL PRIMARY KEY,    -- 'nvtx', 'cuda', 'io', 'nvml', 'preemption', ...
    state   TEXT NOT NULL,                -- 'on', 'off'
    reason  TEXT                          -- why it is off, and the cure
);
CREATE INDEX idx_RIDGE_COUNTER_SAMPLE ON RIDGE_COUNTER_SAMPLE(counterId, time);
CREATE INDEX idx_RIDGE_KERNEL_METRIC ON RIDGE_KERNEL_METRIC(globalPid, correlationId);

-- ---------------------------------------------------------------------------------------------
-- Enums: what the numbers above mean.

CREATE TABLE ENUM_NSYS_EVENT_TYPE (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_NSYS_EVENT_TYPE VALUES
    (33, 'NvtxCategory', 'NvtxCategory'),
    (34, 'NvtxMark', 'NvtxMark'),
    (37, 'NvtxStartRange', 'NvtxStartRange'),
    (38, 'NvtxEndRange', 'NvtxEndRange'),
    (39, 'NvtxThread', 'NvtxThread'),
    (59, 'NvtxPushPopRange', 'NvtxPushPopRange'),
    (60, 'NvtxStartEndRange', 'NvtxStartEndRange'),
    (75, 'NvtxDomainCreate', 'NvtxDomainCreate'),
    (76, 'NvtxDomainDestroy', 'NvtxDomainDestroy'),
    (97, 'NvtxNameCudaDevice', 'NvtxNameCudaDevice'),
    (98, 'NvtxNameCudaContext', 'NvtxNameCudaContext'),
    (99, 'NvtxNameCudaStream', 'NvtxNameCudaStream');

CREATE TABLE ENUM_NSYS_EVENT_CLASS (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_NSYS_EVENT_CLASS VALUES
    (0, 'TRACE_PROCESS_EVENT_CUDA_RUNTIME', 'CUDA runtime'),
    (1, 'TRACE_PROCESS_EVENT_CUDA_DRIVER', 'CUDA driver'),
    (27, 'TRACE_PROCESS_EVENT_OS_RUNTIME', 'OSRT runtime'),
    (103, 'TRACE_PROCESS_EVENT_CUDA_OVERHEAD', 'CUDA overhead');

CREATE TABLE ENUM_CUDA_MEMCPY_OPER (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_CUDA_MEMCPY_OPER VALUES
    (0, 'CUDA_MEMCPY_KIND_UNKNOWN', 'Unknown'),
    (1, 'CUDA_MEMCPY_KIND_HTOD', 'Host-to-Device'),
    (2, 'CUDA_MEMCPY_KIND_DTOH', 'Device-to-Host'),
    (3, 'CUDA_MEMCPY_KIND_HTOA', 'Host-to-Array'),
    (4, 'CUDA_MEMCPY_KIND_ATOH', 'Array-to-Host'),
    (5, 'CUDA_MEMCPY_KIND_ATOA', 'Array-to-Array'),
    (6, 'CUDA_MEMCPY_KIND_ATOD', 'Array-to-Device'),
    (7, 'CUDA_MEMCPY_KIND_DTOA', 'Device-to-Array'),
    (8, 'CUDA_MEMCPY_KIND_DTOD', 'Device-to-Device'),
    (9, 'CUDA_MEMCPY_KIND_HTOH', 'Host-to-Host'),
    (10, 'CUDA_MEMCPY_KIND_PTOP', 'Peer-to-Peer'),
    (11, 'CUDA_MEMCPY_KIND_UVM_HTOD', 'Unified Host-to-Device'),
    (12, 'CUDA_MEMCPY_KIND_UVM_DTOH', 'Unified Device-to-Host'),
    (13, 'CUDA_MEMCPY_KIND_UVM_DTOD', 'Unified Device-to-Device');

CREATE TABLE ENUM_CUDA_MEM_KIND (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_CUDA_MEM_KIND VALUES
    (0, 'CUDA_MEMOPR_MEMORY_KIND_PAGEABLE', 'Pageable'),
    (1, 'CUDA_MEMOPR_MEMORY_KIND_PINNED', 'Pinned'),
    (2, 'CUDA_MEMOPR_MEMORY_KIND_DEVICE', 'Device'),
    (3, 'CUDA_MEMOPR_MEMORY_KIND_ARRAY', 'Array'),
    (4, 'CUDA_MEMOPR_MEMORY_KIND_MANAGED', 'Managed'),
    (5, 'CUDA_MEMOPR_MEMORY_KIND_DEVICE_STATIC', 'Device Static'),
    (6, 'CUDA_MEMOPR_MEMORY_KIND_MANAGED_STATIC', 'Managed Static'),
    (7, 'CUDA_MEMOPR_MEMORY_KIND_UNKNOWN', 'Unknown');

CREATE TABLE ENUM_CUDA_UNIF_MEM_MIGRATION (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_CUDA_UNIF_MEM_MIGRATION VALUES
    (0, 'CUDA_UNIFIED_MEMORY_MIGRATION_CAUSE_UNKNOWN', 'Unknown'),
    (1, 'CUDA_UNIFIED_MEMORY_MIGRATION_CAUSE_USER', 'User prefetch'),
    (2, 'CUDA_UNIFIED_MEMORY_MIGRATION_CAUSE_COHERENCE', 'Page fault'),
    (3, 'CUDA_UNIFIED_MEMORY_MIGRATION_CAUSE_PREFETCH', 'Speculative prefecth'),
    (4, 'CUDA_UNIFIED_MEMORY_MIGRATION_CAUSE_EVICTION', 'Eviction'),
    (5, 'CUDA_UNIFIED_MEMORY_MIGRATION_CAUSE_ACCESS_COUNTERS', 'Access counters');

CREATE TABLE ENUM_CUPTI_SYNC_TYPE (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_CUPTI_SYNC_TYPE VALUES
    (0, 'CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_UNKNOWN', 'Unknown'),
    (1, 'CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_EVENT_SYNCHRONIZE', 'Event sync'),
    (2, 'CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_STREAM_WAIT_EVENT', 'Stream wait sync'),
    (3, 'CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_STREAM_SYNCHRONIZE', 'Stream sync'),
    (4, 'CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_CONTEXT_SYNCHRONIZE', 'Context sync');

CREATE TABLE ENUM_CUPTI_OVERHEAD_TYPE (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_CUPTI_OVERHEAD_TYPE VALUES
    (0, 'OVERHEAD_UNDEFINED', 'Undefined'),
    (1, 'OVERHEAD_UNKNOWN', 'Unknown'),
    (2, 'OVERHEAD_DRIVER_COMPILER', 'Driver JIT compiler (CUDA)'),
    (3, 'OVERHEAD_CUPTI_BUFFER_FLUSH', 'Buffer flush (Profiler)'),
    (4, 'OVERHEAD_CUPTI_INSTRUMENTATION', 'Instrumentation (Profiler)'),
    (5, 'OVERHEAD_CUPTI_RESOURCE', 'Resource creation/destruction (Profiler)'),
    (6, 'OVERHEAD_RUNTIME_TRIGGERED_MODULE_LOADING', 'Runtime module loading (CUDA)'),
    (7, 'OVERHEAD_LAZY_FUNCTION_LOADING', 'Lazy function loading (CUDA)'),
    (8, 'OVERHEAD_COMMAND_BUFFER_FULL', 'Command buffer full (CUDA)');

CREATE TABLE ENUM_CUPTI_STREAM_TYPE (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_CUPTI_STREAM_TYPE VALUES
    (0, 'CUPTI_ACTIVITY_STREAM_CREATE_FLAG_UNKNOWN', 'Unknown stream type'),
    (1, 'CUPTI_ACTIVITY_STREAM_CREATE_FLAG_DEFAULT', 'Default stream'),
    (2, 'CUPTI_ACTIVITY_STREAM_CREATE_FLAG_NON_BLOCKING', 'Non-blocking stream'),
    (3, 'CUPTI_ACTIVITY_STREAM_CREATE_FLAG_NULL', 'Null stream');

CREATE TABLE ENUM_CUDA_KERNEL_LAUNCH_TYPE (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_CUDA_KERNEL_LAUNCH_TYPE VALUES
    (0, 'CUDA_KERNEL_LAUNCH_TYPE_UNKNOWN', 'Unknown'),
    (1, 'CUDA_KERNEL_LAUNCH_TYPE_REGULAR', 'Regular'),
    (2, 'CUDA_KERNEL_LAUNCH_TYPE_COOPERATIVE_SINGLE_DEVICE', 'Coop Single Device'),
    (3, 'CUDA_KERNEL_LAUNCH_TYPE_COOPERATIVE_MULTI_DEVICE', 'Coop Multi Device');

CREATE TABLE ENUM_OSRT_FILE_ACCESS_EVENT_TYPE (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_OSRT_FILE_ACCESS_EVENT_TYPE VALUES
    (1, 'Open', 'OSRT Open File Action'),
    (2, 'Close', 'OSRT Close File Action'),
    (3, 'Read', 'OSRT Read from File Action'),
    (4, 'Write', 'OSRT Write to File Action'),
    (5, 'MultiAction', 'OSRT Multi Action File Action'),
    (6, 'Metadata', 'OSRT Metadata File Action');

CREATE TABLE ENUM_DIAGNOSTIC_SOURCE_TYPE (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_DIAGNOSTIC_SOURCE_TYPE VALUES
    (0, 'UnknownSource', 'Unknown source'),
    (1, 'Injection', 'Injection'),
    (2, 'Daemon', 'Daemon'),
    (3, 'Analysis', 'Analysis');

CREATE TABLE ENUM_DIAGNOSTIC_SEVERITY_LEVEL (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_DIAGNOSTIC_SEVERITY_LEVEL VALUES
    (0, 'UnknownLevel', 'Unknown'),
    (1, 'Info', 'Info'),
    (2, 'Warning', 'Warning'),
    (3, 'Error', 'Error'),
    (4, 'Verbose', 'Verbose');

CREATE TABLE ENUM_DIAGNOSTIC_TIMESTAMP_SOURCE (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_DIAGNOSTIC_TIMESTAMP_SOURCE VALUES
    (0, 'UnknownTimestamp', 'Unknown timestamp'),
    (1, 'TargetTimestamp', 'Target timestamp'),
    (2, 'HostTimestamp', 'Host timestamp');

CREATE TABLE ENUM_SAMPLING_THREAD_STATE (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_SAMPLING_THREAD_STATE VALUES
    (0, 'Unknown', 'Unknown'),
    (1, 'Running', 'Running'),
    (2, 'Interruptible', 'Interruptible'),
    (3, 'Uninterruptible', 'Uninterruptible'),
    (4, 'Stopped', 'Stopped'),
    (5, 'Terminated', 'Terminated'),
    (6, 'Unscheduled', 'Unscheduled'),
    (7, 'Waiting', 'Waiting'),
    (8, 'OSRuntime', 'OS runtime'),
    (9, 'Initialized', 'Initialized'),
    (10, 'Transition', 'Transition');

CREATE TABLE ENUM_STACK_UNWIND_METHOD (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_STACK_UNWIND_METHOD VALUES
    (0, 'Unknown', 'Unknown'),
    (1, 'FramePointer', 'Frame pointer'),
    (2, 'UnwindTable', 'Unwind table'),
    (3, 'LR_FramePointer', 'LR frame pointer'),
    (4, 'LR_UnwindTable', 'LR unwind table'),
    (5, 'KernelContext', 'Kernel context'),
    (6, 'DWARF_EH', 'DWARF EH'),
    (7, 'DWARF_DF', 'DWARF DF'),
    (8, 'LBR', 'LBR'),
    (255, 'Undefined', 'Undefined');

CREATE TABLE ENUM_CUDA_DEV_MEM_EVENT_OPER (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_CUDA_DEV_MEM_EVENT_OPER VALUES
    (0, 'CUDA_DEV_MEM_EVENT_OPR_ALLOCATION', 'Allocation'),
    (1, 'CUDA_DEV_MEM_EVENT_OPR_DEALLOCATION', 'Deallocation');

CREATE TABLE ENUM_CUDA_MEMPOOL_OPER (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_CUDA_MEMPOOL_OPER VALUES
    (0, 'CUDA_MEMPOOL_OPR_CREATED', 'Created'),
    (1, 'CUDA_MEMPOOL_OPR_DESTROYED', 'Destroyed'),
    (2, 'CUDA_MEMPOOL_OPR_TRIMMED', 'Trimmed');

CREATE TABLE ENUM_CUDA_MEMPOOL_TYPE (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_CUDA_MEMPOOL_TYPE VALUES
    (0, 'CUDA_MEMPOOL_TYPE_LOCAL', 'Local'),
    (1, 'CUDA_MEMPOOL_TYPE_IMPORTED', 'Imported');

CREATE TABLE ENUM_CUDA_UNIF_MEM_ACCESS_TYPE (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_CUDA_UNIF_MEM_ACCESS_TYPE VALUES
    (0, 'CUDA_UNIFIED_MEMORY_ACCESS_TYPE_UNKNOWN', 'Unknown'),
    (1, 'CUDA_UNIFIED_MEMORY_ACCESS_TYPE_READ', 'Read'),
    (2, 'CUDA_UNIFIED_MEMORY_ACCESS_TYPE_WRITE', 'Write'),
    (3, 'CUDA_UNIFIED_MEMORY_ACCESS_TYPE_ATOMIC', 'Atomic'),
    (4, 'CUDA_UNIFIED_MEMORY_ACCESS_TYPE_PREFETCH', 'Prefetch');

CREATE TABLE ENUM_RIDGE_NCCL_KIND (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_RIDGE_NCCL_KIND VALUES
    (1, 'group', 'group'),
    (2, 'collective', 'collective'),
    (4, 'p2p', 'point to point'),
    (8, 'proxy_op', 'proxy operation'),
    (16, 'proxy_step', 'proxy step'),
    (32, 'proxy_control', 'proxy control'),
    (64, 'channel', 'channel of a kernel'),
    (128, 'network', 'of the network plugin'),
    (256, 'group_api', 'group call'),
    (512, 'collective_api', 'collective call'),
    (1024, 'p2p_api', 'point-to-point call'),
    (2048, 'kernel_launch', 'kernel launch');

CREATE TABLE ENUM_RIDGE_OP_KIND (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_RIDGE_OP_KIND VALUES
    (0, 'other', 'other'),
    (1, 'gemm', 'gemm'),
    (2, 'attention', 'attention'),
    (3, 'norm', 'norm'),
    (4, 'elementwise', 'elementwise'),
    (5, 'embedding', 'embedding'),
    (6, 'optimizer', 'optimizer'),
    (7, 'copy', 'copy'),
    (8, 'collective', 'collective'),
    (9, 'io', 'io');

CREATE TABLE ENUM_RIDGE_DTYPE (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_RIDGE_DTYPE VALUES
    (0, 'none', 'none'),
    (1, 'f32', 'f32'),
    (2, 'tf32', 'tf32'),
    (3, 'bf16', 'bf16'),
    (4, 'f16', 'f16'),
    (5, 'fp8_e4m3', 'fp8_e4m3'),
    (6, 'fp8_e5m2', 'fp8_e5m2'),
    (7, 'f64', 'f64'),
    (8, 'int8', 'int8'),
    (9, 'int4', 'int4'),
    (10, 'int32', 'int32'),
    (11, 'int64', 'int64');

CREATE TABLE ENUM_RIDGE_IO_OP (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT);
INSERT INTO ENUM_RIDGE_IO_OP VALUES
    (1, 'open', 'open'),
    (2, 'close', 'close'),
    (3, 'read', 'read'),
    (4, 'write', 'write'),
    (5, 'pread', 'pread'),
    (6, 'pwrite', 'pwrite'),
    (7, 'readv', 'readv'),
    (8, 'writev', 'writev'),
    (9, 'fsync', 'fsync'),
    (10, 'fdatasync', 'fdatasync'),
    (11, 'fopen', 'fopen'),
    (12, 'fclose', 'fclose'),
    (13, 'fread', 'fread'),
    (14, 'fwrite', 'fwrite'),
    (15, 'fflush', 'fflush'),
    (16, 'preadv', 'preadv'),
    (17, 'pwritev', 'pwritev'),
    (18, 'sync', 'sync'),
    (19, 'other', 'other'),
    (20, 'transfer_in', 'read by a transfer between files'),
    (21, 'transfer_out', 'written by a transfer between files'),
    (22, 'mmap', 'mmap'),
    (23, 'msync', 'msync'),
    (24, 'munmap', 'munmap'),
    (25, 'uring_read', 'read submitted to io_uring'),
    (26, 'uring_write', 'write submitted to io_uring'),
    (27, 'uring_sync', 'sync submitted to io_uring'),
    (28, 'uring_other', 'other submitted to io_uring'),
    (29, 'uring_submit', 'submission to io_uring'),
    (30, 'uring_wait', 'wait for io_uring'),
    (31, 'mmap_stores', 'mmap, shared and writable');

